/// The version of all programs of this package: the one place that says it.
///
/// `make deb` reads it here.
public enum ProgramVersion {
    /// Major, minor and patch.
    public static let text = "0.1.0"
}
