"""Who calls: how callers prove who they are."""
