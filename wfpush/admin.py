"""The admin site: the administrators' desk."""

from django.utils.translation import gettext_lazy as _
from unfold.sites import UnfoldAdminSite


class Site(UnfoldAdminSite):
    """Its pages are in `notifications/admin/`; settings.UNFOLD names the functions for sidebar and overview."""

    index_title = _("Overview")
    index_template = "admin/desk/overview.html"
    enable_nav_sidebar = True
