/// What a job asks for. The raw value is the name on the wire: routing key, property `type`, label of metrics.
package enum JobKind: String, Sendable, CaseIterable {
    /// Moves money.
    case recharge
    /// Asks what became of a recharge. Moves no money, may be repeated at will.
    case rechargeStatus = "recharge.status"
    /// Follows a PAN (tax card) application until it is decided. Moves no money.
    case panStatus = "pan.status"
}
