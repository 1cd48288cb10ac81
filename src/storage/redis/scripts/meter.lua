-- What the scripts share that count on meters: counters of which time makes less, and of which a hit that is denied takes nothing.
--
-- A meter is a table of functions; a function makes it where it is needed. `read` gives a counter's state as it is now and writes nothing;
-- the others change or tell the state, and `write` stores it. `read` may be given a table to put the state into, because tables cost.
-- `left` says how many hits fit in, and is given what a hit is held against: of a bucket the highest level, of the others the capacity.
-- What time is counted in (a tick, in milliseconds) is said by who calls: Limit::tick in src/decision/limit.rs chooses.
-- What all of them have in common is src/decision/meter.rs.

-- Products of hits and ticks stay below this.
local MOST_LEVEL = 4503599627370496
-- The longest that a counter is kept, in milliseconds: ten years.
local LONGEST = 315360000000
local NOT_OURS = 'WRONGTYPE the value is not a counter of ours'

-- A meter that is a few numbers is stored as a letter and three of them, of 8 bytes each, with the settlements after them as in counter.lua:
-- to read and write texts would cost as much as the rest.
local PACKED, PACKED_BYTES = '<c1ddd', 25

local unpack, sub, type, pcall = struct.unpack, string.sub, type, redis.pcall

-- The settlements in such a value, and its numbers; nil where it is none of this letter.
local function unpacked(value, letter)
  local length = #value
  if length < PACKED_BYTES then return nil end
  local found, first, second, third = unpack(PACKED, value)
  if found ~= letter then return nil end
  if length == PACKED_BYTES then return '', first, second, third end
  local settled = sub(value, PACKED_BYTES + 1)
  if sub(settled, 1, 1) ~= ' ' then return nil end
  return settled, first, second, third
end

-- Stores such a value, which goes after so many milliseconds; gives why it could not.
local function put(key, value, expiry)
  return pcall('SET', key, value, 'PX', string.format('%d', expiry)).err
end

-- Stores the numbers over those that are there, and leaves the settlements and the expiry as they are; gives why it could not.
local function put_over(key, numbers)
  local reply = pcall('SETRANGE', key, '0', numbers)
  return type(reply) == 'table' and reply.err or nil
end
