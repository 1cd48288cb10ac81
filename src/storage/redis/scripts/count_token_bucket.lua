-- Counts hits on buckets: the same as count_meter.lua says, with the common case in full, because functions and tables cost.
-- That is a key of which all hits take the same and fit, where there is nothing, or a bucket of ours that no clock has left far ahead
-- and that nobody has settled.

local reply, wrote, meter = {}, false, nil
local pcall, floor = redis.pcall, math.floor
local unpack, pack, byte = struct.unpack, struct.pack, string.byte
local first = 1

for run = 2, #ARGV, 4 do
  local period, rate, hits = tonumber(ARGV[run]), tonumber(ARGV[run + 1]), ARGV[run + 2]
  local last = tonumber(ARGV[run + 3]) or #KEYS
  local millis, length = ticks_of(period)
  local tick, latest = floor(now / millis), now + 1000 * MAX_AHEAD
  local times, amount, capacity = same_hits(hits)
  -- What all hits on a key add to its level, and up to where it may be for that.
  local more, room = 0, -1
  if times and amount > 0 then
    more = times * amount * length
    room = capacity * length - more
  end
  for index = first, last do
    local key, level, at, expires = KEYS[index], 0, tick, 0
    local value = pcall('GET', key)
    local fits = room >= 0
    if value and fits then
      if #value == PACKED_BYTES and byte(value) == 98 then
        local _, stored, stored_at, goes = unpack(PACKED, value)
        fits = stored >= 0 and stored_at * millis <= latest
        if tick > stored_at then
          level = stored - (tick - stored_at) * rate
          if level < 0 then level = 0 end
        else
          level, at = stored, stored_at
        end
        expires = goes
      else
        fits = false
      end
      fits = fits and level <= room
    end
    if fits then
      reply[2 * index - 1], reply[2 * index] = level, at - tick
      level = level + more
      local fault
      if (level / rate + 1 + at) * millis + SLACK <= expires then
        fault = pcall('SET', key, pack(PACKED, 'b', level, at, expires), 'KEEPTTL').err
      else
        fault = put_bucket(key, level, at, '', rate, millis).err
      end
      wrote = wrote or not fault
      if fault then
        if not is_of_the_key(fault, wrote) then return { err = fault } end
        reply[2 * index - 1] = fault
      end
    else
      meter = meter or token_bucket()
      local fault, written = count_on(meter, key, period, rate, hits, reply, 2 * index - 1)
      wrote = wrote or written
      if fault then
        if not is_of_the_key(fault, wrote) then return { err = fault } end
        reply[2 * index - 1], reply[2 * index] = fault, 0
      end
    end
  end
  first = last + 1
end

return reply
