import JobModel

/// The depth of a queue over the last hour, as paths of an SVG of 240 by 48 units. Where the broker could not be asked, the line has a gap.
struct QueueCurve {
    static let width = 240.0
    static let height = 48.0
    /// Two points that are further apart than this do not belong to one line.
    private static let longestStep = StatusHistory.curveInterval * 3

    let paths: [String]
    /// The greatest depth of the hour.
    let highest: Int

    /// - Parameters:
    ///   - points: when how many messages were ready, the oldest first.
    ///   - now: the right edge of the curve, by the wall clock. Points that are not within the hour before it are left out.
    init(_ points: [(at: Timestamp, ready: Int)], now: Timestamp) {
        let start = now + .seconds(-3_600)
        let shown = points.filter { $0.at >= start && $0.at <= now }
        let highest = shown.map(\.ready).max() ?? 0
        self.highest = highest
        var lines: [[(at: Timestamp, ready: Int)]] = []
        for point in shown {
            if let last = lines.last?.last, point.at - last.at <= Self.longestStep, point.at >= last.at {
                lines[lines.count - 1].append(point)
            } else {
                lines.append([point])
            }
        }
        paths = lines.map { line in
            let points = line.map { point in
                let x = (point.at - start) / .seconds(3_600) * Self.width
                // Half a unit at the edges, so that the line's width is seen.
                let y = Self.height - 1 - Double(point.ready) / Double(max(highest, 1)) * (Self.height - 2)
                return "\(Self.coordinate(x)) \(Self.coordinate(y))"
            }
            // A line of one point would not be drawn.
            return "M\(points.joined(separator: "L"))\(points.count == 1 ? "h1" : "")"
        }
    }

    /// A number with at most one decimal, without going through a formatter.
    private static func coordinate(_ value: Double) -> String {
        let tenths = Int((value * 10).rounded())
        return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(tenths % 10)"
    }
}
