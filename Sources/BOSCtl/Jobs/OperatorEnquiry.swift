import BOSClient
import Daemon
import JobEngine
import JobModel
import Ledger
import Logging

/// Enquiries that an operator makes about recharges. They move no money.
struct OperatorEnquiry {
    let settings: Settings

    /// Enquires about one recharge, with a client of its own.
    /// - Returns: what BOS says, or why BOS could not be asked.
    func enquire(about known: JobRecord) async -> CallReport<Enquiry> {
        await withClient { enquire in await enquire(known) }
    }

    /// Runs `body` with a function that enquires about one recharge. All these enquiries use one client, which is shut down afterwards.
    func withClient<Value>(_ body: ((JobRecord) async -> CallReport<Enquiry>) async throws -> Value) async rethrows -> Value {
        let client: BOSClient
        do {
            client = try BOSClient(
                configuration: settings.bosConfiguration, logger: Logger(label: "bosctl", factory: { _ in SwiftLogNoOpLogHandler() }))
        } catch {
            return try await body { _ in CallReport(.unanswered(.notSent, retryAfter: nil), note: "BOS cannot be asked: \(error)") }
        }
        let gateway = BOSClientGateway(client)
        do {
            let value = try await body { known in await enquire(about: known, through: gateway) }
            await client.shutdown()
            return value
        } catch {
            await client.shutdown()
            throw error
        }
    }

    /// Enquires as the worker does: by the name and the merchant (`RegisterID`) that the recharge has at BOS.
    private func enquire(about known: JobRecord, through gateway: BOSClientGateway) async -> CallReport<Enquiry> {
        guard case .recharge(let recharge) = known.job else {
            return CallReport(.unanswered(.notSent, retryAfter: nil), note: "BOS can only be asked about recharges")
        }
        let configuration = settings.engineConfiguration
        let name = configuration.enquiresBy.name(recharge.reference, bosReference: known.progress.bosReference)
        let call = CallOptions(traceparent: known.traceparent, timeout: configuration.requestTimeout)
        return await gateway.enquire(name, registerID: recharge.registerID, call)
    }
}
