/// One rule of the fault plan: which fault happens, at which calls, and how often.
package struct FaultRule: Sendable, Equatable, Codable {
    package var fault: Fault
    /// From 0 (never) to 1 (always).
    package var probability: Double
    /// The endpoint that has the fault; `nil`: every one.
    package var endpoint: BOSEndpoint?
    /// Seconds, a code or a number, as the fault's own description says; `nil`: the fault's default.
    package var value: Double?
    /// The `RegisterID` of the calls that have the fault; `nil`: all of them.
    package var registerID: String?

    /// By default a fault that happens at every call of all its endpoints.
    package init(_ fault: Fault, probability: Double = 1, endpoint: BOSEndpoint? = nil, value: Double? = nil, registerID: String? = nil) {
        self.fault = fault
        self.probability = probability
        self.endpoint = endpoint
        self.value = value
        self.registerID = registerID
    }

    /// Reads `[ENDPOINT/]NAME[:VALUE][@REGISTERID]=PROBABILITY` from the command line, for example `DoRecharge/late:5=0.1`.
    /// - Throws: ``FaultPlanError`` if the text has another form, or if its values make no sense for the fault.
    package init(parsing text: String) throws(FaultPlanError) {
        let sides = text.split(separator: "=", maxSplits: 1)
        guard sides.count == 2, let probability = Double(sides[1]) else {
            throw .malformed("the fault \"\(text)\" is not of the form [ENDPOINT/]NAME[:VALUE][@REGISTERID]=PROBABILITY")
        }
        var name = sides[0]
        var endpoint: BOSEndpoint?
        if let slash = name.firstIndex(of: "/") {
            guard let found = BOSEndpoint(rawValue: String(name[..<slash])) else {
                throw .malformed("there is no endpoint \"\(name[..<slash])\"; use one of \(BOSEndpoint.allCases.map(\.rawValue))")
            }
            endpoint = found
            name = name[name.index(after: slash)...]
        }
        var registerID: String?
        if let at = name.firstIndex(of: "@") {
            registerID = String(name[name.index(after: at)...])
            name = name[..<at]
        }
        var value: Double?
        if let colon = name.firstIndex(of: ":") {
            guard let number = Double(name[name.index(after: colon)...]) else {
                throw .malformed("the value in the fault \"\(text)\" is not a number")
            }
            value = number
            name = name[..<colon]
        }
        guard let fault = Fault(rawValue: String(name)) else {
            throw .malformed("there is no fault \"\(name)\"; use one of \(Fault.allCases.map(\.rawValue))")
        }
        self.init(fault, probability: probability, endpoint: endpoint, value: value, registerID: registerID)
        try check()
    }

    /// Refuses values that make no sense for the fault.
    func check() throws(FaultPlanError) {
        guard (0...1).contains(probability) else {
            throw .malformed("the probability of \(fault.rawValue) is \(probability) but must lie between 0 and 1")
        }
        guard (0...86_400).contains(value ?? 0) else {
            throw .malformed("the value of \(fault.rawValue) must lie between 0 and 86400")
        }
        guard endpoint.map(fault.endpoints.contains) ?? true else {
            throw .malformed(
                "\(fault.rawValue) is not a fault of \(endpoint?.rawValue ?? ""); its endpoints are \(fault.endpoints.map(\.rawValue))")
        }
        guard fault != .panWords || (1...Double(Fault.openPANTexts.count)).contains(value ?? 1) else {
            throw .malformed("the value of panWords must lie between 1 and \(Fault.openPANTexts.count)")
        }
        guard registerID?.isEmpty != true, registerID == nil || !fault.isFate else {
            throw .malformed(
                "\(fault.rawValue) cannot be limited to this RegisterID: only faults of calls can be limited, and the RegisterID must not be empty"
            )
        }
    }
}

/// Why a fault plan was refused.
package enum FaultPlanError: Error, Equatable, CustomStringConvertible {
    /// The sentence says what is wrong, and what would be right.
    case malformed(String)

    package var description: String {
        switch self {
        case .malformed(let sentence): sentence
        }
    }
}
