//! Builds of a small console by doubles of Node.js and npm, which do what each test writes.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;

use flate2::read::GzDecoder;
use tempfile::TempDir;

use super::*;

const CI: &str = "/bin/rm -rf node_modules; /bin/mkdir node_modules";
const BUILD: &str = "/bin/rm -rf dist; /bin/mkdir -p dist/assets src/api; \
    echo 'a page' >dist/index.html; echo 'a script' >dist/assets/a-1.js; \
    echo 'types' >src/api/schema.ts";

/// A console and the programs that build it.
struct Workshop {
    folder: TempDir,
    setting: Setting,
}

impl Workshop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let [console, programs] = ["console", "programs"].map(|name| folder.path().join(name));
        fs::create_dir_all(console.join("src")).unwrap();
        fs::create_dir(&programs).unwrap();
        let crate_folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        for name in ["node", "npm"] {
            let double = crate_folder.join("tests/programs").join(name);
            symlink(double, programs.join(name)).unwrap();
        }
        let workshop = Self {
            setting: Setting {
                crate_folder,
                embedded: folder.path().join("embedded"),
                path: Some(programs.into()),
                switch: None,
                console,
            },
            folder,
        };
        for (name, content) in [
            ("package-lock.json", "{}"),
            ("index.html", "a source"),
            ("src/main.ts", "another"),
            (".on-node", "echo v20.19.0"),
            (".on-ci", CI),
            (".on-build", BUILD),
        ] {
            workshop.write(name, content);
        }
        workshop
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.setting.console.join(name), content).unwrap();
    }

    fn remove_program(&self, name: &str) {
        fs::remove_file(self.folder.path().join("programs").join(name)).unwrap();
    }

    /// What npm was told since the last call, without questions for its version.
    fn take_commands(&self) -> Vec<String> {
        let log = self.setting.console.join(".npm-log");
        let text = fs::read_to_string(&log).unwrap_or_default();
        let _ = fs::remove_file(log);
        let commands = text.lines().filter(|line| *line != "--version");
        commands
            .map(|line| line.split(" --").next().unwrap().to_owned())
            .collect()
    }

    fn read_embedded(&self, name: &str) -> String {
        let compressed = fs::File::open(self.setting.embedded.join(name)).unwrap();
        let mut text = String::new();
        GzDecoder::new(compressed)
            .read_to_string(&mut text)
            .unwrap();
        text
    }

    #[track_caller]
    fn check_absence(&self, reason: &str) {
        let absence = embed_console(&self.setting).unwrap().expect(reason);
        assert!(absence.to_string().contains(reason), "{absence}");
        let page = self.read_embedded("index.html");
        assert!(
            page.contains(reason) && page.contains("build again"),
            "{page}"
        );
        assert!(!page.contains(['{', '`']), "{page}");
    }

    #[track_caller]
    fn check_failure(&self, message: &str) {
        let error = embed_console(&self.setting).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
}

#[test]
fn what_was_built_of_the_same_sources_is_used_again() {
    let workshop = Workshop::new();
    let check = |commands: &[&str]| {
        assert!(embed_console(&workshop.setting).unwrap().is_none());
        assert_eq!(workshop.take_commands(), commands);
        assert_eq!(workshop.read_embedded("index.html"), "a page\n");
        assert_eq!(workshop.read_embedded("assets/a-1.js"), "a script\n");
    };
    check(&["ci", "run build"]);
    check(&[]);
    workshop.write("src/main.ts", "changed");
    check(&["run build"]);
    workshop.write("package-lock.json", "{\"changed\": 1}");
    check(&["ci", "run build"]);
    fs::rename(
        workshop.setting.console.join("src/main.ts"),
        workshop.setting.console.join("src/other.ts"),
    )
    .unwrap();
    check(&["run build"]);
    // Somebody ran the build by hand, which leaves no mark.
    fs::remove_file(workshop.setting.console.join("dist/.sources")).unwrap();
    check(&["run build"]);
    check(&[]);
    // Neither Node.js nor npm is needed for what is built.
    workshop.remove_program("node");
    workshop.remove_program("npm");
    check(&[]);
}

#[test]
fn a_machine_that_lacks_something_gets_a_page_that_says_so() {
    let workshop = Workshop::new();
    workshop.write(".on-node", "echo v20.18.9");
    workshop.check_absence("Node.js is too old (v20.18.9)");
    workshop.write(".on-node", "echo '<nothing>'");
    let absence = embed_console(&workshop.setting).unwrap();
    assert!(matches!(absence, Some(Absence::OldNode(_))));
    assert!(
        workshop
            .read_embedded("index.html")
            .contains("&lt;nothing&gt;")
    );
    workshop.write(".on-node", "echo v22.0.0");
    workshop.write(".on-ci", "echo npm error code EAI_AGAIN >&2; exit 1");
    workshop.check_absence("EAI_AGAIN");
    workshop.remove_program("npm");
    workshop.check_absence("npm is not installed");
    workshop.remove_program("node");
    workshop.check_absence("Node.js is not installed");
}

#[test]
fn a_console_that_does_not_compile_fails_the_build() {
    let workshop = Workshop::new();
    workshop.write(".on-build", "echo 'error TS2339: no such field'; exit 2");
    workshop.check_failure("TS2339");
    // It still fails when nothing has changed.
    workshop.check_failure("`npm run build` failed");
    workshop.write(".on-build", BUILD);
    assert!(embed_console(&workshop.setting).unwrap().is_none());
    workshop.write("package-lock.json", "{\"changed\": 1}");
    workshop.write(".on-ci", "echo npm error code EUSAGE >&2; exit 1");
    workshop.check_failure("EUSAGE");
}

#[test]
fn the_switch_leaves_the_console_out() {
    let mut workshop = Workshop::new();
    workshop.setting.switch = Some("skip".into());
    workshop.check_absence("SCEPTER_CONSOLE=skip");
    assert!(workshop.take_commands().is_empty());
    workshop.setting.switch = Some("no".into());
    workshop.check_failure("SCEPTER_CONSOLE is neither unset nor `skip`");
}

#[test]
fn a_file_without_a_media_type_fails_the_build() {
    let workshop = Workshop::new();
    workshop.write(".on-build", &format!("{BUILD}; echo >dist/a.exe"));
    workshop.check_failure("a.exe: src/media_type.rs has no media type");
}

#[test]
fn cargo_watches_no_file_that_the_build_writes() {
    let workshop = Workshop::new();
    embed_console(&workshop.setting).unwrap();
    fs::create_dir(workshop.setting.console.join("public")).unwrap();
    let console = &workshop.setting.console;
    let mut watched: Vec<_> = Sources::list(console).unwrap().watched().collect();
    watched.sort();
    let expected = ["index.html", "package-lock.json", "public", "src/main.ts"];
    assert_eq!(watched, expected.map(|name| console.join(name)));
}
