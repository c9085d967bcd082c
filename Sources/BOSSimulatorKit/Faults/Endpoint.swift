/// The calls that the simulator understands, spelled as in their paths and in the fault plan.
package enum Endpoint: String, Sendable, CaseIterable, Codable {
    case doRecharge = "DoRecharge"
    case rechargesStatus = "RechargesStatus"
    case status = "Status"
    case authorize
}
