-- Puts rows of one item right, and then everything that is derived from rows.
-- KEYS[1] hash of the item
-- ARGV[1] '1' if Postgres has rows of the item: all of them are here, and the hash is complete
-- ARGV[2] now, milliseconds since 1970
-- ARGV[3..] location, row text, and the text that was seen there and is wrong, in threes
-- A row is written if nothing is there, if its version is newer, or if what is there is still the very text that was seen to be
-- wrong. So a newer event is never undone. An empty row text removes that text.
local key = KEYS[1]

for i = 3, #ARGV, 3 do
    local field, text, seen = 'row:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2]
    local held = redis.call('HGET', key, field)
    local old, new = parse(held), parse(text)
    local wrong = held and seen ~= '' and held == seen
    if wrong and text == '' then
        redis.call('HDEL', key, field)
    elseif new and (not held or wrong or (old and new.version > old.version)) then
        redis.call('HSET', key, field, text)
    end
end

local hash = redis.call('HGETALL', key)
local rows, places, at, had_limitless = 0, {}, '0', false
local total, available, threshold, limitless = 0, 0, 0, 0
local live = {}
for i = 1, #hash, 2 do
    local field, text = hash[i], hash[i + 1]
    local location = string.match(field, '^row:(.*)$')
    local place = string.match(field, '^warehouse:(.*)$')
    if location then
        rows = rows + 1
        local row = parse(text)
        if row and not row.deleted then
            live[location] = row.text
            total = total + row.total
            available = available + row.available
            threshold = threshold + row.threshold
            limitless = limitless + row.limitless
        end
    elseif place then
        places[#places + 1] = place
    elseif field == 'at' then
        at = text
    elseif field == 'limitless' then
        had_limitless = true
    end
end

if rows == 0 and ARGV[1] ~= '1' then
    redis.call('DEL', key)
    return 0
end
for _, place in ipairs(places) do
    if not live[place] then
        redis.call('HDEL', key, 'warehouse:' .. place)
    end
end
for location, text in pairs(live) do
    redis.call('HSET', key, 'warehouse:' .. location, text)
end
local status = status_of(limitless, available, threshold)
if not tonumber(at) or tonumber(at) < 0 or tonumber(at) > tonumber(ARGV[2]) then
    at = '0'
end
local function number(value)
    return string.format('%.0f', value)
end
redis.call('HSET', key, 'total', number(total), 'available', number(available), 'threshold', number(threshold),
    'status', status, 'low_stock', status == 'in_stock' and '0' or '1', 'at', at)
if limitless > 0 or had_limitless then
    redis.call('HSET', key, 'limitless', number(limitless))
end
if ARGV[1] == '1' then
    redis.call('HSET', key, 'complete', '1')
end
return 1
