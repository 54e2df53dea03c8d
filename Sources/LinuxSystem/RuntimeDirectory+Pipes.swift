/// Pipes that a group shares. The user's runtime folder is closed to others, so these have a folder of their own.
extension RuntimeDirectory {
    /// The environment variable that overrides the place.
    public static let sharedPipesVariable = "DBGSRV_SHARED_PIPES_DIR"

    /// Where they are: everybody may look, only its owner (root) may put something there.
    public static var sharedPipes: String {
        environmentValue(sharedPipesVariable) ?? "/run/dbgsrv-pipes"
    }

    /// The folder, made when it is not there, for a server that shares its pipe.
    public static func openSharedPipes() throws(RuntimeDirectoryError) -> String {
        try secured(sharedPipes, permissions: 0o755)
    }
}
