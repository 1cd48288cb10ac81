-- Settles what a replica admitted by itself, or sent without learning what became of it, while the shard was away.
--
-- ARGV after the time, for each key: its unit in seconds, the window's start, the count that was last read in that
-- window, what was admitted since, the replica, and which of its outages this is.
-- The counter becomes max(count, count last read) + admitted, in that window alone. A window that is further ahead than clocks
-- may differ was kept by a clock that was wrong: to begin it would forget the one that runs. The counter remembers each
-- replica's latest outage: the same settlement sent again changes nothing, nor does one from before, whatever the way it took.
-- Where nothing was admitted the counter is only told what was read of it: that may be said again and needs no mark.
-- Answers for each key: the window's start (or a text: why this key could not be settled), and the count.

-- Marks of replicas that a counter carries at the most, in bytes; beyond, the oldest are forgotten. A settlement that
-- comes twice then counts twice, which denies too much and never too little.
local load, save, add, is_of_the_key = tools()
local MOST_MARKS = 4096

-- Numbers of outages are compared as texts: they have 64 bits, and Lua's numbers are exact up to 2^53.
local function is_later(outage, latest)
  return not latest or #outage > #latest or (#outage == #latest and outage > latest)
end

local reply, wrote = {}, false
local seconds = math.floor(now / 1000)

for index = 1, #KEYS do
  local key, first = KEYS[index], 6 * index - 4
  local unit, settling = tonumber(ARGV[first]), tonumber(ARGV[first + 1])
  local window, count, settled, stored = load(key, unit)
  local fault
  if not window then
    fault, count = count, 0
  else
    -- Our estimate of the shard's time may be a little late.
    if settling > window and settling <= seconds + MAX_AHEAD then window, count, settled = settling, 0, '' end
    local name, outage = ' ' .. ARGV[first + 4] .. '=', ARGV[first + 5]
    local before, read, admitted = count, tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3])
    local changes = false
    if settling == window and admitted == 0 then
      count = math.max(count, read)
      changes = count > before
    elseif settling == window and is_later(outage, string.match(settled, name .. '(%d+)')) then
      count = add(math.max(count, read), admitted)
      settled = string.gsub(settled, name .. '%d+', '') .. name .. outage
      while #settled > MOST_MARKS do settled = string.match(settled, '^ %S+(.*)$') end
      changes = true
    end
    if changes then fault = save(key, unit, window, count, settled, stored) end
    wrote = wrote or (changes and not fault)
  end
  if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
  reply[2 * index - 1], reply[2 * index] = fault or window, count
end

return reply
