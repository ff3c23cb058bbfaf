import ArgumentParser

/// `parley apps`: the apps that back ends and clients of the Pusher protocol use, in the apps file.
struct Apps: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, create and rotate the apps in the apps file.",
        discussion: """
            A server that runs has read the file when it started: restart it to take a change in.

            parley apps create --name shop
              a new app, with a key and a secret that are shown once

            parley apps rotate 1
              a further pair for app 1; the old one goes on until --drop-old
            """,
        subcommands: [AppsList.self, AppsCreate.self, AppsRotate.self])
}
