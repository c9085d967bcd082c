/// A row that holds what this program has not written: a bit that has flipped on the disk, a hand, a newer version. It costs itself only.
package struct UnreadableRow: Sendable, Equatable {
    package enum Table: String, Sendable {
        case jobs
        case replies
    }

    package var table: Table
    package var id: Int64

    package init(_ table: Table, _ id: Int64) {
        self.table = table
        self.id = id
    }
}
