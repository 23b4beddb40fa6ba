"""The limits that the Hub documents. Sizes are in bytes; those of LFS are decimal, as git-lfs prints sizes."""

GIGABYTE = 10**9
MAX_FILE_BYTES = 10 * 1024 * 1024  # of a file outside LFS (docs/facts.md#h9)
MAX_DIRECTORY_FILES = 10_000  # (docs/facts.md#h11)
MAX_LFS_BYTES = 5 * GIGABYTE  # of an LFS object with git-lfs alone (docs/facts.md#h13)
MAX_MULTIPART_BYTES = 50 * GIGABYTE  # with the transfer agent of `hf lfs-enable-largefiles`
MAX_XET_BYTES = 500 * GIGABYTE  # with git-xet
MAX_FILE_SIZE = f"{MAX_FILE_BYTES // 1024**2} MiB"
