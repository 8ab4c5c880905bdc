-- What both scripts know of the row of a location, and of the status that follows from sums.

local function parse(text)
    if not text then
        return nil
    end
    local version, on_hand, available, safety, reorder, status = string.match(text,
        '^(%d+) (%-?%d+) %-?%d+ %-?%d+ %-?%d+ %-?%d+ (%-?%d+) (%-?%d+) (%-?%d+) ([%l_]+) ')
    if not version then
        return nil
    end
    return {
        version = tonumber(version),
        total = tonumber(on_hand),
        text = available,
        available = math.max(tonumber(available), 0),
        threshold = math.max(tonumber(safety), tonumber(reorder)),
        limitless = status == 'in_stock' and tonumber(available) <= 0 and 1 or 0,
        deleted = status == 'deleted',
    }
end

local function status_of(limitless, available, threshold)
    if limitless > 0 then
        return 'in_stock'
    elseif available <= 0 then
        return 'out_of_stock'
    elseif available <= threshold then
        return 'low_stock'
    end
    return 'in_stock'
end

