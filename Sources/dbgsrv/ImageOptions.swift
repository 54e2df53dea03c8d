internal import Glibc
internal import LinuxSystem
internal import WireCore

// The counterpart of Windows' "image file execution options": a file named as an executable's image says which
// debugger is to be started in the image's place, with the image's own command line behind the debugger's.
// Linux has no hook in execve(2) for that, so it counts where something asks: `dbgsrv --image-options PROGRAM …`
// (written into a unit, a wrapper script, a launcher) and `dbgsrv -c`. `-sifeo IMAGE` suspends it for the one
// program that -c starts, so that dbgsrv can be the debugger of an image that it then starts itself.

/// What the options of one image say.
struct ImageOptions: Equatable {
    /// The debugger and its own arguments.
    var debugger: [[UInt8]] = []

    static let keys = ["debugger"]
}

/// Why image options cannot be used, in one sentence.
struct ImageOptionsError: Error, Equatable, CustomStringConvertible {
    var description: String
}

extension ImageOptions {
    /// Reads `name = value` lines; `#` begins a comment.
    init(_ text: String, path: String) throws(ImageOptionsError) {
        let lines = text.split(omittingEmptySubsequences: false) { $0.isNewline }
        for (index, line) in lines.enumerated() {
            let content = line.trimmed
            guard let first = content.first, first != "#" else { continue }
            let place = "\(path) line \(index + 1): "
            let parts = content.split(
                separator: "=",
                maxSplits: 1,
                omittingEmptySubsequences: false
            )
            let key = parts[0].trimmed
            guard parts.count == 2 else {
                throw ImageOptionsError(description: place + "it is no 'name = value'")
            }
            guard key == "debugger" else {
                let near = nearestMatch(to: String(key), among: Self.keys)
                let hint = near.map { "; did you mean \($0)?" } ?? "; there is only debugger"
                let name = printableText(key)
                throw ImageOptionsError(description: place + "there is no option \(name)" + hint)
            }
            do throws(CommandWordsError) {
                debugger = try CommandWords.split(Array(parts[1].utf8))
            } catch {
                throw ImageOptionsError(
                    description: place + "a quote or a backslash has no partner"
                )
            }
            guard !debugger.isEmpty else {
                throw ImageOptionsError(description: place + "debugger names no program")
            }
        }
    }

    /// The name that counts: the last component of a program's path.
    static func imageName(of program: [UInt8]) -> String {
        let last = program.split(separator: UInt8(ascii: "/")).last ?? []
        return String(decoding: last, as: UTF8.self)
    }

    /// The options of an image: the user's, or else the machine's; nil where there are none.
    static func find(_ image: String) throws(ImageOptionsError) -> ImageOptions? {
        guard !image.isEmpty, image != ".", image != ".." else { return nil }
        for folder in folders {
            let path = "\(folder)/\(image)"
            guard let file = try? openFile(path, flags: O_RDONLY | O_NONBLOCK) else { continue }
            try refuseForeign(file, path)
            let options = try ImageOptions(fileText(path) ?? "", path: path)
            if !options.debugger.isEmpty { return options }
        }
        return nil
    }

    /// The folders in order: the user's own, then the machine's.
    static var folders: [String] {
        let home = environmentValue("HOME").map { $0 + "/.config" }
        let user = (environmentValue("XDG_CONFIG_HOME") ?? home).map { $0 + "/dbgsrv" }
        let machine = environmentValue("DBGSRV_CONFIG_DIR") ?? "/etc/dbgsrv"
        return [user, machine].compactMap { $0.map { $0 + "/image-options.d" } }
    }

    /// Whoever can write the file decides what runs in our name.
    private static func refuseForeign(
        _ file: OwnedDescriptor,
        _ path: String
    ) throws(ImageOptionsError) {
        guard let status = try? FileAttributes(of: file), status.kind == .file else {
            throw ImageOptionsError(description: "\(path) is not a regular file")
        }
        guard status.owner == geteuid() || status.owner == 0 else {
            let owner = userName(status.owner)
            throw ImageOptionsError(
                description: "\(path) belongs to user \(owner); image options have to be"
                    + " \(userName(geteuid()))'s or root's"
            )
        }
        guard status.permissions & 0o022 == 0 else {
            throw ImageOptionsError(
                description: "\(path) can be written by others; it needs mode 0644"
            )
        }
    }
}

/// What is to be started for a command line, now that image options have been asked.
struct CreationPlan: Equatable {
    /// The debugger and the command line, or the command line alone.
    var words: [[UInt8]]
    /// The image whose debugger this is; nil for the program itself.
    var debuggedImage: String?

    /// Says to a debugger which image's options it was started by, so that it does not start itself again.
    static let variable = "DBGSRV_IMAGE"

    /// - Parameters:
    ///   - suspended: `-sifeo`'s image.
    ///   - startedFor: the image whose options started this program.
    init(
        _ words: [[UInt8]],
        suspended: String?,
        startedFor: String?,
        options: (String) throws(ImageOptionsError) -> ImageOptions?
    ) throws(ImageOptionsError) {
        self.words = words
        let image = ImageOptions.imageName(of: words.first ?? [])
        let isSuspended = suspended.map { ImageOptions.imageName(of: Array($0.utf8)) } == image
        guard !isSuspended, let found = try options(image) else { return }
        guard startedFor != image else {
            throw ImageOptionsError(
                description: "the image options of \(image) start this server, which would start"
                    + " itself again: put -sifeo \(image) before -c there"
            )
        }
        self.words = found.debugger + words
        debuggedImage = image
    }
}

/// `dbgsrv --image-options PROGRAM ARGUMENTS`: becomes the program, or its debugger.
func runImageOptions(_ words: [[UInt8]]) -> Int32 {
    do {
        let plan = try CreationPlan(
            words,
            suspended: nil,
            startedFor: environmentValue(CreationPlan.variable),
            options: ImageOptions.find
        )
        let name = String(decoding: plan.words[0], as: UTF8.self)
        guard let path = ProgramLauncher.find(name) else {
            return fail("cannot run \(printableText(name)): there is no such program", status: 127)
        }
        let error = ProgramLauncher.become(
            path,
            arguments: plan.words,
            changes: [(CreationPlan.variable, plan.debuggedImage)]
        )
        return fail("cannot run \(printableText(path)): \(error.reason)", status: 126)
    } catch {
        return fail("\(error)", status: 2)
    }
}

extension StringProtocol {
    /// Without the spaces and tabs at both ends.
    fileprivate var trimmed: SubSequence {
        let front = drop { $0 == " " || $0 == "\t" }
        guard let last = front.lastIndex(where: { $0 != " " && $0 != "\t" }) else { return front }
        return front[...last]
    }
}
