"""What the web pages are made of: templates, files for the browser, and what a page shows."""
