import DebugTarget

/// The errors of attaching in the original's look: its number for the reason, and the reason in
/// words.
enum AttachFailure {
    static func lines(_ process: Int32, _ error: TargetError) -> [String] {
        let number = win32Number(error.code)
        return [
            "Cannot debug pid \(process), \(number)",
            "    \"\(error.message)\"",
            "Unable to initialize target, \(number)",
        ]
    }

    private static func win32Number(_ code: TargetError.Code) -> String {
        switch code {
        case .notPermitted: "Win32 error 0n5"
        case .noSuchProcess: "Win32 error 0n87"
        case .alreadyTraced: "NTSTATUS 0xC0000048"
        case .cannotRun: "Win32 error 0n2"
        case .unsupported: "Win32 error 0n50"
        default: "Win32 error 0n31"
        }
    }
}
