import JobModel
import Ledger

/// Reads a message as a job.
struct Intake {
    let ledger: any Ledger
    let rules: JobRules

    /// The result of reading a message.
    enum Result {
        case job(Job, fingerprint: [UInt8])
        case refused(JobRefusal)
        /// The ledger could not be read, so it is unknown whether it has the job.
        case unavailable(LedgerError, JobKind, reference: String)
    }

    /// Reads the message. Rules that came later do not apply to a job that the ledger has accepted, because it may have been sent.
    func read(_ incoming: IncomingJob) async -> Result {
        do {
            let (job, fingerprint) = incoming.isResumption ? try incoming.resumed() : try incoming.decode(rules)
            return .job(job, fingerprint: fingerprint)
        } catch {
            guard error.isByRule, let kind = error.kind, let reference = error.reference else { return .refused(error) }
            do throws(LedgerError) {
                guard let known = try await ledger.job(kind, reference: reference)?.record.job,
                    let (job, fingerprint) = try? incoming.decode(JobRules(acceptedAs: known))
                else { return .refused(error) }
                return .job(job, fingerprint: fingerprint)
            } catch let trouble {
                return .unavailable(trouble, kind, reference: reference)
            }
        }
    }
}

extension IncomingJob {
    /// The job as a ledger wrote it. No rule is applied again: an accepted job continues under any configuration.
    func resumed() throws(JobRefusal) -> (Job, fingerprint: [UInt8]) {
        guard let kind = type.flatMap(JobKind.init), let job = Job(kind: kind, body: body) else {
            throw JobRefusal(
                deadLetter: .undecodable, code: .invalidJob,
                detail:
                    "the header \(Self.resumptionHeader) is for jobs that bos-poller puts back on their queue; publish a new job without it",
                kind: type.flatMap(JobKind.init), reference: nil)
        }
        return (job, job.fingerprint)
    }
}
