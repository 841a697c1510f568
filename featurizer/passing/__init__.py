"""The features of a football pass: from the snap to the release, 22 players in fixed slots. Pure but for `messages`."""
