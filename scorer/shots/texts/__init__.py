"""What factors say, as a broadcaster reads it out: a file for each language. `scorer.shots.wording` reads them."""
