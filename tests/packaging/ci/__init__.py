"""Jobs, run as GitHub's runner and GitLab's run them: the shell, the files and the environment of each step."""

import base64
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
ACTION: dict[str, Any] = yaml.safe_load((CHECKOUT / "action.yml").read_text())
BASH = shutil.which("bash") or "bash"


class Job:
    """A job; a step sees what the steps before it have left in `$GITHUB_ENV` and `$GITHUB_PATH`."""

    def __init__(self, folder: Path, **environment: Any) -> None:
        self.folder = folder
        self.workspace, self.temporary, self.files = folder / "workspace", folder / "temporary", folder / "files"
        for made in (self.workspace, self.temporary, self.files):
            made.mkdir(parents=True)
        self.environment = {**os.environ, "CI": "true", **environment}
        self.log = ""  # what all steps have printed

    def shell(self, script: str, *options: str, **environment: Any) -> int:
        """Run a script in a shell of its own; returns its exit status."""
        file = self.temporary / "script.sh"
        file.write_text(script)
        done = subprocess.run(
            [BASH, *options, str(file)],
            cwd=self.workspace,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
        file.unlink()
        self.log += done.stdout
        return done.returncode

    def run(self, script: str, **environment: Any) -> None:
        """A step `run: script` of a workflow for GitHub; fails the test where it fails."""
        assert self.step(script, **environment) == 0, self.log

    def step(self, script: str, **environment: Any) -> int:
        names = ("ENV", "PATH", "OUTPUT", "STEP_SUMMARY")
        files = {f"GITHUB_{name}": self.files / name.lower() for name in names}
        for file in files.values():
            file.write_text("")
        given = {name: str(file) for name, file in files.items()}
        given |= {"GITHUB_ACTIONS": "true", "GITHUB_WORKSPACE": str(self.workspace)}
        given |= {"RUNNER_TEMP": str(self.temporary), "RUNNER_OS": "Linux"}
        status = self.shell(script, "--noprofile", "--norc", "-eo", "pipefail", **given, **environment)
        for name, file in files.items():  # each step has files of its own; these are kept for whoever looks for tokens
            with (self.files / f"all_{name}").open("a") as kept:
                kept.write(file.read_text())
        self.environment |= variables(files["GITHUB_ENV"].read_text())
        for line in files["GITHUB_PATH"].read_text().splitlines():
            self.environment["PATH"] = line + os.pathsep + self.environment["PATH"]
        return status

    def uses(self, action: Path, **inputs: str) -> int:
        """A step `uses:` our action, as it lies in `action`; returns the exit status of its last step that was run."""
        values = {name: inputs.pop(name, declared["default"]) for name, declared in ACTION["inputs"].items()}
        assert not inputs
        status = 0
        for step in ACTION["runs"]["steps"]:
            environment = {
                name: re.sub(r"\$\{\{ inputs\.(\w+) }}", lambda found: values[found[1]], value)
                for name, value in step.get("env", {}).items()
            }
            status = status or self.step(step["run"], GITHUB_ACTION_PATH=str(action), **environment)
        return status

    def holding(self, secret: str, *elsewhere: Path) -> list[Path]:
        """The files of the job, of its log and `elsewhere` with a secret in them, as it is or as git would send it."""
        (self.files / "log").write_text(self.log)
        forms = [secret.encode(), *(base64.b64encode(f"{user}:{secret}".encode()) for user in ("git", "hf_user", ""))]
        files = [file for folder in (self.folder, *elsewhere) for file in folder.rglob("*") if file.is_file()]
        return [file for file in files if any(form in file.read_bytes() for form in forms)]


def variables(text: str) -> dict[str, str]:
    """What the lines of `$GITHUB_ENV` say: `NAME=value`, or `NAME<<END`, the lines of the value, and `END`."""
    found, lines = {}, iter(text.split("\n"))
    for line in filter(None, lines):
        name, value = re.split("<<|=", line, maxsplit=1)
        if line.startswith(f"{name}<<"):
            end, value_lines = value, []
            while (next_line := next(lines)) != end:
                value_lines.append(next_line)
            value = "\n".join(value_lines)
        found[name] = value
    return found
