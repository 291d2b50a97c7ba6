"""Rules as code: dated parameters, traces and decision records; pure."""
