/// Finds the known name that a misspelled name was probably meant to be.
enum EditDistance {
    /// The nearest known name, or `nil` if every one is too far away to be a typing error. Upper and lower case count as equal.
    static func nearest(to name: String, among names: [String]) -> String? {
        let limit = max(2, name.count / 5)
        let ranked = names.map { ($0, distance(from: name.lowercased(), to: $0.lowercased())) }.filter { $0.1 <= limit }
        return ranked.min { $0.1 < $1.1 }?.0
    }

    /// How many characters must be inserted, deleted, changed, or swapped with their neighbour (optimal string alignment distance).
    static func distance(from first: String, to second: String) -> Int {
        let (first, second) = (Array(first), Array(second))
        var before: [Int] = []
        var previous = Array(0...second.count)
        for row in first.indices {
            var current = [row + 1]
            for column in second.indices {
                let change = previous[column] + (first[row] == second[column] ? 0 : 1)
                var best = min(change, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            (before, previous) = (previous, current)
        }
        return previous[second.count]
    }
}
