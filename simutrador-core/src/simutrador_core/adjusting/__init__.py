"""Corporate actions: adjustment of prices, and companies across their names. Pure, numpy only."""
