"""Administration under test."""
