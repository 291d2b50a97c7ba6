"""Run third-party test cases through the project's public functions: `python -m tests.vectors FOLDER`."""
