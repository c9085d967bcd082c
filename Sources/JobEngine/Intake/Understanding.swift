import JobModel
import Ledger

extension JobHandler {
    /// What a message turns out to be.
    enum Understanding {
        case job((Job, [UInt8]))
        case refused(JobRefusal)
        /// The ledger could not be asked.
        case unknown(LedgerError, JobKind, reference: String)
    }

    /// Reads the message as a job. One that the ledger has accepted is not held against rules that came later: it may have been sent.
    func understand(_ incoming: IncomingJob) async -> Understanding {
        do {
            return .job(incoming.isResumption ? try incoming.resumed() : try incoming.decode(configuration.rules))
        } catch {
            guard error.isByRule, let kind = error.kind, let reference = error.reference else { return .refused(error) }
            do throws(LedgerError) {
                guard let known = try await ledger.job(kind, reference)?.record.job else { return .refused(error) }
                guard let decoded = try? incoming.decode(JobRules(acceptedAs: known)) else { return .refused(error) }
                return .job(decoded)
            } catch let trouble {
                return .unknown(trouble, kind, reference: reference)
            }
        }
    }
}
