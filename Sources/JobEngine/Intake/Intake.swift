import JobModel
import Ledger

/// Reads a message as a job.
struct Intake {
    let ledger: any Ledger
    let rules: JobRules

    /// What a message turns out to be.
    enum Result {
        case job(Job, fingerprint: [UInt8])
        case refused(JobRefusal)
        /// The ledger could not be asked whether it knows the job.
        case unavailable(LedgerError, JobKind, reference: String)
    }

    /// Reads the message. A job that the ledger has accepted is not held against rules that came later: it may have been sent.
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
    /// The job as a ledger has written it. No rule is applied again: a job that was accepted once goes on under any configuration.
    func resumed() throws(JobRefusal) -> (Job, fingerprint: [UInt8]) {
        guard let kind = type.flatMap(JobKind.init), let job = Job(kind: kind, body: body) else {
            throw JobRefusal(
                deadLetter: .undecodable, code: .invalidJob,
                detail:
                    "the header \(Self.resumptionHeader) is for jobs that bos-poller has put back on their queue; a new job does without it",
                kind: type.flatMap(JobKind.init), reference: nil)
        }
        return (job, job.fingerprint)
    }
}
