"""Templates with their versions, texts and previews; brands."""
