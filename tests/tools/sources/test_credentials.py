"""Which names and contents are taken for secrets, and which look-alikes are not."""

from pathlib import PurePosixPath

import pytest

from tamis_tools.sources.credentials import holds_a_private_key, named_like_a_secret

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow==\n"


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.local",
        ".ENV.Production",
        ".envrc",
        "prod.env",
        "id_rsa",
        "ID_ED25519",
        "id_rsa.bak",
        "server.pem",
        "tls/server.KEY",
        "a.p12",
        "a.pfx",
        "a.keystore",
        "a.jks",
        "a.kdbx",
        ".netrc",
        ".pypirc",
        ".npmrc",
        ".git-credentials",
        ".pgpass",
        ".my.cnf",
        ".vault-token",
        ".bash_history",
        ".zsh_history",
        ".python_history",
        "etc/shadow",
        "etc/gshadow",
        "etc/sudoers",
        "etc/sudoers.d/app",
        "office.ovpn",
        ".terraform.d/credentials.tfrc.json",
        "infra/terraform.tfstate",
        "infra/terraform.tfstate.backup",
        ".htpasswd",
        "credentials.json",
        "my-service-account-1.json",
        "client_secret_1.apps.json",
        "home/.ssh/known_hosts",
        "home/.aws/config",
        "home/.gnupg/x/y",
        ".kube/cache/z",
        ".azure/a",
        ".docker/config.json",
        ".config/gcloud/x",
        ".config/gh/hosts.yml",
        ".Config/GH/hosts.yml",
    ],
)
def test_a_credential_is_known_by_its_name(path):
    assert named_like_a_secret(PurePosixPath(path).parts)


@pytest.mark.parametrize(
    "path",
    [
        ".env.example",
        ".env.sample",
        ".env.template",
        "prod.example.env",
        "id_rsa.pub",
        "env.py",
        "environment.md",
        "keys.py",
        "monkey.txt",
        ".config/other/gh.txt",
        "docker/config.json",
        "ssh/readme.md",
        "credentials.py",
        "shadow",
        "docs/etc/passwd",
        "browser_history.py",
        "main.tf",
        "",
    ],
)
def test_a_look_alike_is_none(path):
    assert not named_like_a_secret(PurePosixPath(path).parts)


@pytest.mark.parametrize(
    "data",
    [
        KEY.encode(),
        b"\xef\xbb\xbf" + KEY.encode(),
        KEY.encode("utf-16"),
        b"name: x\nkey: |\n  " + KEY.encode(),
        b'{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\nMIIE"}',
        b"PuTTY-User-Key-File-2: ssh-rsa\n",
    ],
)
def test_a_private_key_is_known_by_its_first_lines(data):
    assert holds_a_private_key(data)


@pytest.mark.parametrize("data", [b"-----BEGIN PUBLIC KEY-----\n", b"if '-----BEGIN PRIVATE KEY-----' in text:\n", b""])
def test_talk_about_keys_is_no_key(data):
    assert not holds_a_private_key(data)
