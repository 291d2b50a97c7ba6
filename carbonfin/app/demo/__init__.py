"""The sample world (示例) and the run that makes it."""
