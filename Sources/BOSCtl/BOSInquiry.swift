import BOSClient
import Daemon
import JobEngine
import JobModel
import Logging

/// One enquiry about a recharge, made by a person. It moves no money.
struct BOSInquiry {
    let settings: Settings

    /// What BOS says, or why it could not be asked.
    func ask(_ recharge: Recharge, traceparent: String?) async -> CallReport<Enquiry> {
        let client: BOSClient
        do {
            client = try BOSClient(
                configuration: settings.bosConfiguration, logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }))
        } catch {
            return CallReport(.unanswered(.notSent, retryAfter: nil), note: "BOS cannot be asked: \(error)")
        }
        let call = CallOptions(traceparent: traceparent, timeout: settings.api.requestTimeout)
        let report = await BOSClientGateway(client).enquire(recharge.reference, registerID: recharge.registerID, call)
        await client.shutdown()
        return report
    }
}
