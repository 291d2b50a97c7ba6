"""PDF, Word, workbooks and charts: values in, bytes out."""
