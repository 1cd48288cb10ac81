-- Counts requests one after the other; a denied one leaves no counter changed.
--
-- ARGV after the time: for each key its unit in seconds, or of a meter "<letter><period>/<what drains in a tick>"; then for each request:
-- 1 where a quota-mode descriptor that is not over stands outside (else 0), the number of its hits, and for each hit: the key's index, what
-- is added (negative: given back), the limit (of a meter what its `left` is given), and its role: 0 plain, 1 shadow, 2 quota, 3 both; 4 more where it is of the same descriptor as the
-- hit before it, by another limit; and 8 more where it is taken though it does not fit. A descriptor is over where any of its hits is.
-- Answers for each key the window's start, or of a meter what was there before (or a text: why this key could not be counted); then for
-- each request 1 where it was denied (else 0), and for each of its hits the count before the request and the count with the hit, of a
-- meter nothing but zeros.
-- What denies is decision/hit.rs, `Leniency::denies`. A key that cannot be counted does not take part.

local load, save, add, is_of_the_key = tools()
local reply, size = {}, #KEYS
local units, windows, counts, befores, settlements, storeds, touched, faults = {}, {}, {}, {}, {}, {}, {}, {}
-- The latest request that brought a key's count above 0, even where it gave back afterwards: that begins a window.
local grown_by = {}
-- Of the keys that are meters: the functions, and the state.
local meters, states = {}, {}

for key = 1, #KEYS do
  units[key] = tonumber(ARGV[1 + key])
  local window, count, settled, stored
  if units[key] then
    window, count, settled, stored = load(KEYS[key], units[key])
  else
    local meter, period, tick, rate = meter_of(ARGV[1 + key])
    meters[key] = meter
    states[key], count = meter.read(KEYS[key], period, tick, rate)
  end
  if states[key] then
    reply[key] = told(meters[key], states[key])
  elseif window then
    windows[key], counts[key], befores[key], settlements[key], storeds[key] = window, count, count, settled, stored
  elseif is_of_the_key(count, false) then
    faults[key] = count
  else
    return { err = count }
  end
end

local at = 2 + #KEYS
while ARGV[at] do
  -- Whether a quota-mode descriptor that was seen to the end is not over, and whether the latest is not, so far.
  local denied, any_quota, quota_left, room, after = false, false, ARGV[at] == '1', false, {}
  local hits, answer = tonumber(ARGV[at + 1]), size + 1
  at, size = at + 2, answer
  local first = at
  for _ = 1, hits do
    local key, role = tonumber(ARGV[at]), tonumber(ARGV[at + 3])
    local before, count = 0, 0
    local meter, over = meters[key], false
    if states[key] then
      local hit, state = tonumber(ARGV[at + 1]), after[key] or copied(states[key])
      over = hit >= 0 and hit > meter.left(state, tonumber(ARGV[at + 2]))
      if hit < 0 then
        meter.give_back(state, -hit)
      elseif hit > 0 and (not over or role >= 8) then
        meter.take(state, hit)
      end
      if hit ~= 0 and (not over or role >= 8) then state.changed = true end
      if meter.wait then
        meter.wait(state, over and hit or 1, tonumber(ARGV[at + 2]))
        -- Where another hit is denied, this one is told what there was before.
        meter.wait(states[key], 1, tonumber(ARGV[at + 2]))
      end
      after[key] = state
    elseif not faults[key] then
      before = counts[key]
      count = add(after[key] or before, tonumber(ARGV[at + 1]))
      after[key] = count
      if count > 0 then grown_by[key] = answer end
      over = count > tonumber(ARGV[at + 2])
    end
    -- One that cannot be counted is not over.
    over = over and role % 2 == 0
    if role % 4 < 2 then
      denied = denied or over
    else
      if role % 8 < 4 then
        any_quota, quota_left, room = true, quota_left or room, true
      end
      room = room and not over
    end
    reply[size + 1], reply[size + 2] = before, count
    at, size = at + 4, size + 2
  end
  denied = denied or (any_quota and not quota_left and not room)
  reply[answer] = denied and 1 or 0
  if denied then
    -- What is paid for afterwards is paid for all the same.
    for hit = first, at - 4, 4 do
      local key, amount = tonumber(ARGV[hit]), tonumber(ARGV[hit + 1])
      if states[key] and tonumber(ARGV[hit + 3]) >= 8 and amount > 0 then
        local meter, state = meters[key], states[key]
        meter.take(state, amount)
        state.changed = true
        if meter.wait then meter.wait(state, amount, tonumber(ARGV[hit + 2])) end
      end
    end
  else
    for key, count in pairs(after) do
      if meters[key] then
        states[key] = count
      else
        counts[key] = count
      end
      touched[key] = touched[key] or (not meters[key] and (storeds[key] == windows[key] or grown_by[key] == answer))
    end
  end
end

local wrote = false
for key = 1, #KEYS do
  if touched[key] and (storeds[key] ~= windows[key] or counts[key] ~= befores[key]) then
    local fault = save(KEYS[key], units[key], windows[key], counts[key], settlements[key], storeds[key])
    if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
    faults[key], wrote = fault, wrote or not fault
  end
  if meters[key] then
    if states[key] and states[key].changed then
      local fault = meters[key].write(KEYS[key], states[key])
      if fault and not is_of_the_key(fault, wrote) then return { err = fault } end
      faults[key], wrote = fault, wrote or not fault
    end
    reply[key] = faults[key] or reply[key]
  else
    reply[key] = faults[key] or windows[key]
  end
end

return reply
