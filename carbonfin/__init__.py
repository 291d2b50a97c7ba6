"""Carbon finance: vocabulary, rules, storage and the application."""
