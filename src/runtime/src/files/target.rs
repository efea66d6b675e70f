//! Where an output goes: the file that all links lead to, or a stream.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use super::FileError;

/// Most links that lead from one to the next; the system's own limit.
const MOST_LINKS: usize = 40;

/// Where an output goes.
#[derive(Debug)]
pub(super) enum Target {
    /// A regular file, which may stand there already.
    File {
        /// Its path behind all symbolic links.
        path: PathBuf,
        /// What stands there.
        replaced: Option<Metadata>,
    },
    /// A device, a named pipe, or a file that this process has open: written as it comes, never renamed or synced.
    Stream(File),
}

impl Target {
    /// Finds out what `path` stands for, following links.
    ///
    /// # Errors
    /// [`FileError::NoOutput`] for what nothing can be written to, [`FileError::Io`].
    pub(super) fn of(path: &Path) -> Result<Self, FileError> {
        let refuse = |problem| Err(FileError::NoOutput { path: path.to_owned(), problem });
        if path == Path::new("-") {
            return refuse(
                "- names no file here: write -o /dev/stdout for standard output, ./- for a file of that name",
            );
        }
        let end = match follow(path)? {
            End::Descriptor(number) => return descriptor(path, number).map(Self::Stream),
            End::Path(end) => end,
        };
        let metadata = match fs::metadata(&end) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Self::File { path: end, replaced: None });
            }
            metadata => metadata.map_err(FileError::io("look at", path))?,
        };
        if metadata.is_dir() {
            return refuse("it is a folder: name a file in it");
        }
        if metadata.is_file() {
            return match is_writable(&end) {
                true => Ok(Self::File { path: end, replaced: Some(metadata) }),
                false => refuse("it is write-protected: allow writing to it (chmod u+w), or name another file"),
            };
        }
        stream(path, &end, &metadata).map(Self::Stream)
    }
}

/// What stands at the end of all symbolic links.
enum End {
    Path(PathBuf),
    /// A file that this process has open.
    Descriptor(i32),
}

fn follow(path: &Path) -> Result<End, FileError> {
    let mut at = path.to_owned();
    for _ in 0..MOST_LINKS {
        if let Some(number) = open_file(&at) {
            return Ok(End::Descriptor(number));
        }
        match fs::symlink_metadata(&at) {
            Ok(metadata) if metadata.is_symlink() => {
                let link = fs::read_link(&at).map_err(FileError::io("follow", &at))?;
                at = at.parent().unwrap_or(Path::new("")).join(link);
            }
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(FileError::io("look at", path)(error));
            }
            Ok(_) | Err(_) => return Ok(End::Path(at)),
        }
    }
    Err(FileError::NoOutput { path: path.to_owned(), problem: "its symbolic links lead in a circle" })
}

/// The path behind all symbolic links.
///
/// # Errors
/// [`FileError::NoOutput`] for links that lead in a circle or to a file that this process has open.
pub fn behind_links(path: &Path) -> Result<PathBuf, FileError> {
    match follow(path)? {
        End::Path(end) => Ok(end),
        End::Descriptor(_) => {
            Err(FileError::NoOutput { path: path.to_owned(), problem: "it is an open file, not a folder" })
        }
    }
}

/// The number in the path of a file that this process has open: `/dev/stdout`, `/dev/fd/3`, `/proc/self/fd/3`. Links
/// there need not lead to a path, and a file opened anew would not go on where the open one is.
#[cfg(unix)]
fn open_file(path: &Path) -> Option<i32> {
    let number = path.file_name()?.to_str()?.parse().ok()?;
    let folder = path.parent()?.canonicalize().ok()?;
    let process = Path::new("/proc").join(std::process::id().to_string());
    let below = folder.strip_prefix(process).ok()?;
    let mut names = below.iter().rev();
    (names.next() == Some("fd".as_ref()) && matches!(names.count(), 0 | 2)).then_some(number)
}

#[cfg(not(unix))]
fn open_file(_path: &Path) -> Option<i32> {
    None
}

/// Another handle of a file that this process has open.
#[cfg(unix)]
fn descriptor(path: &Path, number: i32) -> Result<File, FileError> {
    use std::os::fd::BorrowedFd;

    let refuse = |problem| FileError::NoOutput { path: path.to_owned(), problem };
    if number < 0 {
        return Err(refuse("there is no such open file"));
    }
    // SAFETY: the number is that of a file this process was started with, or the call below refuses it. It is only
    // borrowed to be duplicated.
    let open = unsafe { BorrowedFd::borrow_raw(number) };
    let own = open.try_clone_to_owned().map_err(|_| refuse("there is no such open file"))?;
    let modes = rustix::fs::fcntl_getfl(&own).map_err(|error| FileError::io("look at", path)(error.into()))?;
    match modes & rustix::fs::OFlags::RWMODE == rustix::fs::OFlags::RDONLY {
        true => Err(refuse("it is open for reading only")),
        false => Ok(own.into()),
    }
}

#[cfg(not(unix))]
fn descriptor(path: &Path, _number: i32) -> Result<File, FileError> {
    Err(FileError::NoOutput { path: path.to_owned(), problem: "there is no such open file" })
}

/// Opens a device or a named pipe.
#[cfg(unix)]
fn stream(path: &Path, end: &Path, metadata: &Metadata) -> Result<File, FileError> {
    use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};

    if metadata.file_type().is_socket() {
        return Err(FileError::NoOutput { path: path.to_owned(), problem: "it is a socket" });
    }
    let mut options = File::options();
    options.write(true);
    if metadata.file_type().is_block_device() {
        // Refused while a file system on it is mounted.
        options.custom_flags(rustix::fs::OFlags::EXCL.bits() as i32);
    }
    options.open(end).map_err(FileError::io("open", path))
}

#[cfg(not(unix))]
fn stream(path: &Path, end: &Path, _metadata: &Metadata) -> Result<File, FileError> {
    File::options().write(true).open(end).map_err(FileError::io("open", path))
}

/// Whether this user may write to a file, whatever may be done in its folder.
#[cfg(unix)]
fn is_writable(path: &Path) -> bool {
    rustix::fs::access(path, rustix::fs::Access::WRITE_OK) != Err(rustix::io::Errno::ACCESS)
}

#[cfg(not(unix))]
fn is_writable(_path: &Path) -> bool {
    true
}

/// Files that are read, which no output may replace.
#[derive(Debug, Default)]
pub struct InputFiles(HashMap<Identity, PathBuf>);

impl InputFiles {
    /// The inputs; pipes, devices and what is not there are none that could be replaced.
    pub fn of<'p>(inputs: impl IntoIterator<Item = &'p Path>) -> Self {
        Self(inputs.into_iter().filter_map(|input| Some((identity(input)?, input.to_owned()))).collect())
    }

    /// Refuses an output that is one of the inputs, by whatever name: through a symbolic link, as a hard link, or as
    /// the file behind `/dev/stdin`. To be asked before any work is done.
    ///
    /// # Errors
    /// [`FileError::IsInput`] with the names of both.
    pub fn ensure_none_is(&self, output: &Path) -> Result<(), FileError> {
        match identity(output).and_then(|output| self.0.get(&output)) {
            Some(input) => Err(FileError::IsInput { output: output.to_owned(), input: input.clone() }),
            None => Ok(()),
        }
    }
}

/// Device and number, which no two files share.
#[cfg(unix)]
type Identity = (u64, u64);
#[cfg(not(unix))]
type Identity = PathBuf;

/// What tells a regular file from all others.
#[cfg(unix)]
fn identity(path: &Path) -> Option<Identity> {
    use std::os::unix::fs::MetadataExt;

    fs::metadata(path).ok().filter(Metadata::is_file).map(|metadata| (metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<Identity> {
    path.canonicalize().ok()
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn refused(path: &Path) -> String {
        Target::of(path).unwrap_err().to_string()
    }

    #[test]
    fn links_are_followed_to_their_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::create_dir(at("deep")).unwrap();
        symlink("deep/second", at("first")).unwrap();
        symlink("../file", at("deep/second")).unwrap();
        let end = |path: &Path| match Target::of(path).unwrap() {
            Target::File { path, replaced } => (path.file_name().unwrap().to_owned(), replaced.is_some()),
            Target::Stream(_) => panic!("a stream"),
        };
        assert_eq!(end(&at("first")), ("file".into(), false), "a link whose target is still to be made");
        fs::write(at("file"), "old").unwrap();
        assert_eq!(end(&at("first")), ("file".into(), true));
        symlink("circle", at("circle")).unwrap();
        assert!(refused(&at("circle")).ends_with("lead in a circle"));
    }

    #[test]
    fn what_nothing_can_be_written_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(refused(folder.path()).ends_with("it is a folder: name a file in it"));
        assert!(refused(Path::new("-")).contains("-o /dev/stdout"));
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        assert!(refused(&socket).ends_with("it is a socket"));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn open_files_and_devices_are_streams() {
        use std::io::{Read, Write};
        use std::os::fd::AsRawFd;

        let (mut read, write) = io::pipe().unwrap();
        for folder in ["/dev/fd", "/proc/self/fd", "/proc/thread-self/fd"] {
            let Target::Stream(mut stream) =
                Target::of(&Path::new(folder).join(write.as_raw_fd().to_string())).unwrap()
            else {
                panic!("{folder}: no stream")
            };
            stream.write_all(b"abc").unwrap();
            let mut got = [0; 3];
            read.read_exact(&mut got).unwrap();
            assert_eq!(&got, b"abc");
        }
        let reading = format!("/dev/fd/{}", read.as_raw_fd());
        assert!(refused(Path::new(&reading)).ends_with("it is open for reading only"));
        assert!(refused(Path::new("/dev/fd/987654")).ends_with("no such open file"));
        assert!(matches!(Target::of(Path::new("/dev/null")).unwrap(), Target::Stream(_)));
    }

    #[test]
    fn an_input_is_recognised_by_any_name() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("input"), "text").unwrap();
        fs::write(at("other"), "text").unwrap();
        fs::hard_link(at("input"), at("hard")).unwrap();
        symlink("input", at("soft")).unwrap();
        let inputs = InputFiles::of([at("other"), at("input")].iter().map(PathBuf::as_path));
        let ask = |output: &str| inputs.ensure_none_is(&at(output));
        for output in ["input", "hard", "soft"] {
            let refused = ask(output).unwrap_err().to_string();
            assert!(refused.contains(output) && refused.contains("also an input"), "{refused}");
        }
        ask("new").unwrap();
        InputFiles::of([Path::new("/dev/null")]).ensure_none_is(Path::new("/dev/null")).unwrap();
    }
}
