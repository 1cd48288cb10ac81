-- Settles what a replica admitted by itself, or sent without learning what became of it, while the shard was away.
--
-- ARGV after the time, for each key: its unit in seconds (of a meter "<letter><period>/<what drains in a tick>"), three numbers of what was
-- last read, what was admitted since, the replica, and which of its outages this is. Of a window, what was read are its start, its count and 0; of
-- a meter, what its `merge` takes. Of a log they are two texts "<milliseconds>@<hits>,...", of what was read and of what was admitted, and 0.
-- The counter becomes max(count, count last read) + admitted, in that window alone. A window that is further ahead than clocks
-- may differ was kept by a clock that was wrong: to begin it would forget the one that runs. The counter remembers each
-- replica's latest outage: the same settlement sent again changes nothing, nor does one from before, whatever the way it took.
-- Where nothing was admitted the counter is only told what was read of it: that may be said again and needs no mark.
-- Answers for each key: the window's start, or what there is in a meter now (or a text: why this key could not be settled), and the count.

-- Marks of replicas that a counter carries at the most, in bytes; beyond, the oldest are forgotten. A settlement that
-- comes twice then counts twice, which denies too much and never too little.
local load, save, add, is_of_the_key = tools()
local MOST_MARKS = 4096
local seconds = math.floor(now / 1000)

-- Numbers of outages are compared as texts: they have 64 bits, and Lua's numbers are exact up to 2^53.
local function is_later(outage, latest)
  return not latest or #outage > #latest or (#outage == #latest and outage > latest)
end

-- The marks with this one more.
local function marked(settled, name, outage)
  settled = string.gsub(settled, name .. '%d+', '') .. name .. outage
  while #settled > MOST_MARKS do settled = string.match(settled, '^ %S+(.*)$') end
  return settled
end

-- Settles one window's counter: its start and its count (or nothing, and why), and whether it was written.
local function settle_window(key, unit, first, name, outage, admitted)
  local settling, read = tonumber(ARGV[first + 1]), tonumber(ARGV[first + 2])
  local window, count, settled, stored = load(key, unit)
  if not window then return nil, count, false end
  -- Our estimate of the shard's time may be a little late.
  if settling > window and settling <= seconds + MAX_AHEAD then window, count, settled = settling, 0, '' end
  local before, changes, fault = count, false, nil
  if settling == window and admitted == 0 then
    count = math.max(count, read)
    changes = count > before
  elseif settling == window and is_later(outage, string.match(settled, name .. '(%d+)')) then
    count = add(math.max(count, read), admitted)
    settled, changes = marked(settled, name, outage), true
  end
  if changes then fault = save(key, unit, window, count, settled, stored) end
  if fault then return nil, fault, false end
  return window, count, changes
end

-- The same for a meter: what it tells, and 0.
local function settle_meter(key, first, name, outage, admitted)
  local meter, period, tick, rate = meter_of(ARGV[first])
  local state, fault = meter.read(key, period, tick, rate)
  if not state then return nil, fault, false end
  local read, second = ARGV[first + 1], ARGV[first + 2]
  local changes = meter.merge(state, tonumber(read) or read, tonumber(second), tonumber(ARGV[first + 3]))
  if admitted > 0 and is_later(outage, string.match(state.settled, name .. '(%d+)')) then
    if meter.take_as_they_came then
      meter.take_as_they_came(state, second)
    else
      meter.take(state, admitted)
    end
    state.settled, changes = marked(state.settled, name, outage), true
  end
  if changes then fault = meter.write(key, state) end
  if fault then return nil, fault, false end
  return told(meter, state), 0, changes
end

local reply, wrote = {}, false

for index = 1, #KEYS do
  local key, first = KEYS[index], 7 * index - 5
  local unit, name = tonumber(ARGV[first]), ' ' .. ARGV[first + 5] .. '='
  local outage, admitted = ARGV[first + 6], tonumber(ARGV[first + 4])
  local answer, count, written
  if unit then
    answer, count, written = settle_window(key, unit, first, name, outage, admitted)
  else
    answer, count, written = settle_meter(key, first, name, outage, admitted)
  end
  wrote = wrote or written
  if not answer then
    if not is_of_the_key(count, wrote) then return { err = count } end
    answer, count = count, 0
  end
  reply[2 * index - 1], reply[2 * index] = answer, count
end

return reply
