-- Counts hits on buckets: the same as count_meter.lua says, with the common case in full, because functions and tables cost.
-- That is a key of which all hits take the same, where there is nothing, or a bucket of ours that no clock has left far ahead.

local reply, wrote, meter = {}, false, nil
local pcall, floor, ceil, max = redis.pcall, math.floor, math.ceil, math.max
local unpack, pack, byte, sub = struct.unpack, struct.pack, string.byte, string.sub
local first = 1

for run = 2, #ARGV, 4 do
  local period, rate, hits = tonumber(ARGV[run]), tonumber(ARGV[run + 1]), ARGV[run + 2]
  local last = tonumber(ARGV[run + 3]) or #KEYS
  local millis, length = ticks_of(period)
  local tick, latest = floor(now / millis), now + 1000 * MAX_AHEAD
  local times, amount, capacity = same_hits(hits)
  for index = first, last do
    local key, level, at, expires, settled = KEYS[index], 0, tick, 0, ''
    local value, plain = pcall('GET', key), times ~= nil
    if value then
      plain = plain and type(value) == 'string' and #value >= PACKED_BYTES and byte(value) == 98
      if plain then
        local _, stored, stored_at, goes = unpack(PACKED, value)
        plain = stored >= 0 and stored <= MOST_LEVEL and stored_at * millis <= latest
        level, expires = stored, goes
        if #value > PACKED_BYTES then
          settled = sub(value, PACKED_BYTES + 1)
          plain = plain and sub(settled, 1, 1) == ' '
        end
        if tick > stored_at then level = max(level - (tick - stored_at) * rate, 0) else at = stored_at end
      end
    end
    if plain then
      reply[2 * index - 1], reply[2 * index] = level, at - tick
      local fit = 0
      if amount > 0 then fit = math.min(times, floor((capacity - ceil(level / length)) / amount)) end
      if fit > 0 then
        level = math.min(level + fit * amount * length, MOST_LEVEL)
        local fault
        if settled == '' and expires - now >= ceil(level / rate) * millis + at * millis - now + SLACK then
          fault = pcall('SET', key, pack(PACKED, 'b', level, at, expires), 'KEEPTTL').err
        else
          fault = put_bucket(key, level, at, expires, settled, rate, millis).err
        end
        wrote = wrote or not fault
        if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
        if fault then reply[2 * index - 1] = fault end
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
