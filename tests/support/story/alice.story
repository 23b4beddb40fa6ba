= 1. Logged in, but git does not know
# Alice has a new laptop, and a private model on the Hub.
$ git lfs install --skip-repo
* the content of ~/.gitconfig is noted
* at huggingface.co/settings/tokens, Alice creates the token 'laptop', and copies it
$ hf auth login
? How would you like to log in? <- 2
? Enter your token <- (paste)
> Login successful.
# hf can read the model now. git cannot: it would prompt for a password.
$ git clone https://huggingface.co/alice/private-model
> could not read Username for 'https://huggingface.co'
! 128

= 2. One command
$ git-credential-hf configure
$ git clone https://huggingface.co/alice/private-model
> Cloning into 'private-model'...
# The file in LFS is there, too: git-lfs asks git for the token, and git asks this helper.
$ git -C private-model lfs ls-files --size
> * model.safetensors (1.0 MB)
$ git-credential-hf status
> stored as 'laptop'
> alice, write token

= 3. The token is rotated
* Alice rotates the token there: the old one is invalid now; she copies the new one
$ hf auth login --force
? How would you like to log in? <- 2
? Enter your token <- (paste)
> Login successful.
* a colleague pushes a new version of the weights
# git needs no change: there is no copy of the token that could be stale.
$ git -C private-model pull --quiet
$ git -C private-model lfs pull
$ git -C private-model log --oneline --format=%s
> a change on the Hub

= 4. Meanwhile, with a copy of the token
* this is Bob's machine; he does not know this helper, and has his token in $TOKEN
# He does what many guides say, and uses a helper that stores a copy: git's own `store`. (A keychain is the same.)
$ git config --global credential.helper store
$ hf auth login --token "$TOKEN" --add-to-git-credential
> Your token has been saved in your configured git credential helpers (store).
$ git clone https://huggingface.co/datasets/acme/data
* Bob rotates his token, and has the new one in $TOKEN
$ hf auth login --token "$TOKEN"
> Login successful.
# hf has the new one. git has the old one, and a still older one.
$ git -C data pull
> Authentication failed for 'https://huggingface.co/datasets/acme/data/'
! 1
$ git-credential-hf purge --dry-run
> hf_****mnop for https://huggingface.co, user bob
! 1
$ git-credential-hf configure --purge
$ git -C data pull
> Already up to date.
$ git-credential-hf purge

= 5. Refused before a byte goes up
* back to Alice
# In the organization acme she may read, but not write. `check` tells her.
$ git-credential-hf check --write acme/model
> the role in acme is 'read'
! 1
# git would upload gigabytes before the Hub refuses the push. A hook checks first.
$ git clone --quiet https://huggingface.co/acme/model acme-model
$ cd acme-model
$ git-credential-hf hooks install
* a night of training: new weights in model.safetensors
$ git commit --quiet --all --message 'a night of training'
$ git push
> push refused before any upload
! 1
* the Hub has received no byte for LFS
# The hint says what works: a pull request, which everybody may open.
$ git push origin HEAD:refs/pr/1
> -> refs/pr/1
* the Hub has the new weights
$ cd

= 6. A forgotten token in the environment
$ git clone --quiet https://huggingface.co/alice/model
$ cd model
* a night of training: new weights in model.safetensors
$ git commit --quiet --all --message 'a night of training'
* somebody has set HF_TOKEN in the startup file of Alice's shell; it can only read
$ git-credential-hf hooks install
$ git push
> from the environment variable HF_TOKEN can only read
! 1
* the Hub has received no byte for LFS
$ cd
* the token in HF_TOKEN is revoked
$ cd private-model
$ rm -r .git/lfs/objects
$ git lfs pull
> the Hub rejects the token hf_****wxyz from the environment variable HF_TOKEN
! 2
$ unset HF_TOKEN
$ git lfs pull
$ git lfs fsck
> Git LFS fsck OK
$ cd

= 7. A forgotten file
* an old ~/.netrc is restored from a backup, with a token that can only read
$ cd model
$ git push
! 1
$ git-credential-hf doctor
> .netrc
! 1
$ git-credential-hf doctor --fix --yes
$ cat ~/.netrc
> machine example.org
$ git push
> main -> main
* the Hub has the new weights
$ cd

= 8. Uninstalled
$ git-credential-hf unconfigure
* ~/.gitconfig is the same as before, byte for byte
