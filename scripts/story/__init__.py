"""The story that scripts/demo tells: its chapters, what they are played on, who asks, and how it is told."""
