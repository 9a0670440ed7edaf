"""A month of a site in a few hours of sound: what people's answers are worth, week by week."""
