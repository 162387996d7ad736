"""`tune report`: one HTML file of what was asked, of what data, and what was found."""
