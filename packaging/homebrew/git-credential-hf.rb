# packaging/fill.py makes the formula of a release from this: it fills in what is between two @, and the resources.
class GitCredentialHf < Formula
  include Language::Python::Virtualenv

  desc "Git credential helper for the Hugging Face Hub"
  homepage "@HOMEPAGE@"
  url "@URL@"
  sha256 "@SHA256@"
  license "Apache-2.0"

  depends_on "python@3.14"

  # RESOURCES

  def install
    virtualenv_install_with_resources
    man1.install_symlink libexec/"share/man/man1/git-credential-hf.1"
    bash_completion.install_symlink libexec/"share/bash-completion/completions/git-credential-hf"
    zsh_completion.install_symlink libexec/"share/zsh/site-functions/_git-credential-hf"
    fish_completion.install_symlink libexec/"share/fish/vendor_completions.d/git-credential-hf.fish"
  end

  def caveats
    <<~EOS
      To let git use it for Hugging Face:
        git-credential-hf configure
      To undo that, before you uninstall it:
        git-credential-hf unconfigure
    EOS
  end

  test do
    ENV["HF_TOKEN"] = "hf_opensnothing"
    answer = pipe_output("#{bin}/git-credential-hf get", "protocol=https\nhost=huggingface.co\n\n", 0)
    assert_match "password=hf_opensnothing", answer
  end
end
