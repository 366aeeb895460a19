"""The admin site."""

from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    """The administrators' desk."""
