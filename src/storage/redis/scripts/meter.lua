-- What the scripts share that count on meters: counters of which time makes less, and of which a hit that is denied takes nothing.
--
-- A meter is a table of functions; a function makes it where it is needed. `read` gives a counter's state as it is now and writes nothing;
-- the others change or tell the state, and `write` stores it. What all of them have in common is src/decision/meter.rs.

-- The longest period in seconds that is counted in milliseconds; longer ones are counted in seconds. As decision/ticks.rs.
local FINE = 3600
-- Products of hits and ticks stay below this.
local MOST_LEVEL = 4503599627370496
-- The longest that a counter is kept, in milliseconds: ten years.
local LONGEST = 315360000000
local NOT_OURS = 'WRONGTYPE the value is not a counter of ours'
