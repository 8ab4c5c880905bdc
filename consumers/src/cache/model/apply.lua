-- Applies rows of one item: a row counts only if its version is newer than the one that is there.
-- KEYS[1] hash of the item
-- ARGV[1] 'apply' or 'load'; a load carries every row of the item and marks the hash complete
-- ARGV[2] commit time of the newest row, milliseconds
-- ARGV[3..] location and row text, in turns, each location once
-- Answers one character per row: 1 applied, 0 as new or newer was there.
-- Totals move by deltas with HINCRBY, which counts in 64-bit integers. Lua's own numbers are
-- doubles: exact here, because a row stays below 10^12 and a version below 2^53.
local key = KEYS[1]

local fields = {}
for i = 3, #ARGV, 2 do
    fields[#fields + 1] = 'row:' .. ARGV[i]
end
local held = {}
if #fields > 0 then
    held = redis.call('HMGET', key, unpack(fields))
end

local answer, sets, removed = {}, {}, {}
local total, available, threshold, limitless = 0, 0, 0, 0
for n = 1, #fields do
    local location, text = ARGV[1 + 2 * n], ARGV[2 + 2 * n]
    local old, new = parse(held[n]), parse(text)
    local newer = new and (not old or new.version > old.version
        -- A delete carries the version of the row it deleted.
        or (new.deleted and not old.deleted and new.version == old.version))
    if newer then
        total = total + new.total - (old and old.total or 0)
        available = available + new.available - (old and old.available or 0)
        threshold = threshold + new.threshold - (old and old.threshold or 0)
        limitless = limitless + new.limitless - (old and old.limitless or 0)
        sets[#sets + 1] = fields[n]
        sets[#sets + 1] = text
        if new.deleted then
            removed[#removed + 1] = 'warehouse:' .. location
        else
            sets[#sets + 1] = 'warehouse:' .. location
            sets[#sets + 1] = new.text
        end
        answer[n] = '1'
    else
        answer[n] = '0'
    end
end

local load = ARGV[1] == 'load'
if #sets > 0 or load then
    local by = function(field, delta)
        return redis.call('HINCRBY', key, field, string.format('%.0f', delta))
    end
    by('total', total)
    available = by('available', available)
    threshold = by('threshold', threshold)
    if limitless ~= 0 then
        limitless = by('limitless', limitless)
    else
        limitless = tonumber(redis.call('HGET', key, 'limitless') or '0')
    end
    local status = status_of(limitless, available, threshold)
    sets[#sets + 1] = 'status'
    sets[#sets + 1] = status
    sets[#sets + 1] = 'low_stock'
    sets[#sets + 1] = status == 'in_stock' and '0' or '1'
    local at = tonumber(redis.call('HGET', key, 'at') or '0') or 0
    if tonumber(ARGV[2]) > at then
        sets[#sets + 1] = 'at'
        sets[#sets + 1] = ARGV[2]
    end
    if load then
        sets[#sets + 1] = 'complete'
        sets[#sets + 1] = '1'
    end
    redis.call('HSET', key, unpack(sets))
    if #removed > 0 then
        redis.call('HDEL', key, unpack(removed))
    end
end
return table.concat(answer)
