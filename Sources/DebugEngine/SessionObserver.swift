/// Hears of what happens in a session, beside the text that is printed of it.
public protocol SessionObserver: AnyObject {
    /// The target stands, or a process has ended.
    func didStop(_ report: StopReport)
    /// A module was mapped.
    func didLoad(_ module: Module)
    /// A module was unmapped.
    func didUnload(_ module: Module)
}
