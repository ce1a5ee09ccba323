"""All operations of the Python client crowd."""

import json
import os

from crowd import CrowdServer

ACCESS = json.loads(os.environ["access"])
NAME = "ann+1@x/ä & co"
called = {}


class Recorded(CrowdServer):
    """A client that remembers which operations were called."""

    def __getattribute__(self, name):
        if name in operations():
            called[name] = called.get(name, 0) + 1
        return super().__getattribute__(name)


def operations():
    return {name for name in vars(CrowdServer) if not name.startswith("_")}


def server(password):
    return Recorded(ACCESS["crowd"], ACCESS["application"], password, timeout=30)


crowd = server(ACCESS["password"])


def equal(got, want):
    assert got == want, f"got {got!r}, want {want!r}"


def values(user):
    return {a["name"]: a["values"] for a in user["attributes"]["attributes"]}


def users():
    equal(crowd.auth_ping(), True)
    equal(server("wrong").auth_ping(), False)
    equal(crowd.add_user(NAME, password="secret", email="ann@example.com", first_name="Ann", last_name="Lind"), True)
    equal(crowd.add_user(NAME.upper(), password="secret", email="x@example.com"), False)
    equal(crowd.user_exists(NAME), True)
    equal(crowd.user_exists("nobody"), None)
    ann = crowd.get_user(NAME)
    equal([ann[k] for k in ("name", "first-name", "last-name", "display-name", "email", "active")],
          [NAME, "Ann", "Lind", NAME, "ann@example.com", True])
    equal(crowd.set_user_attribute(NAME, "team", "red"), True)
    equal(values(crowd.get_user(NAME))["team"], ["red"])
    equal(crowd.set_user_attribute("nobody", "team", "red"), False)
    # A whole user, attributes and links included, is sent back here.
    equal(crowd.set_active(NAME, False), True)
    equal(crowd.get_user(NAME)["active"], False)
    equal(crowd.auth_user(NAME, "secret"), None)
    equal(crowd.set_active(NAME, True), True)
    equal(values(crowd.get_user(NAME))["team"], ["red"])
    equal(crowd.set_active("nobody", True), None)
    equal(crowd.add_user("bob", password="secret", email="bob@example.com", active=False), True)
    equal(crowd.get_user("bob")["active"], False)


def passwords():
    equal(crowd.auth_user(NAME, "secret")["name"], NAME)
    equal(crowd.auth_user(NAME, "wrong"), None)
    equal(crowd.change_password(NAME, "better"), True)
    equal(crowd.change_password("nobody", "better"), False)
    equal(crowd.auth_user(NAME, "secret"), None)
    equal(crowd.auth_user(NAME, "better")["email"], "ann@example.com")
    equal(crowd.send_password_reset_link(NAME), True)
    equal(crowd.send_password_reset_link("nobody"), False)


def sessions():
    session = crowd.get_session(NAME, "better", remote="192.0.2.1", proxy="192.0.2.2")
    equal((session["user"]["name"], session["user"]["first-name"]), (NAME, "Ann"))
    token = session["token"]
    equal(crowd.get_session(NAME, "better", remote="192.0.2.1", proxy="192.0.2.2")["token"], token)
    equal(crowd.validate_session(token, remote="192.0.2.1", proxy="192.0.2.2")["user"]["email"], "ann@example.com")
    equal(crowd.validate_session(token, remote="192.0.2.3"), None)
    equal(crowd.get_session(NAME, "wrong"), None)
    equal(crowd.terminate_session(token), True)
    equal(crowd.validate_session(token, remote="192.0.2.1", proxy="192.0.2.2"), None)
    equal(crowd.get_cookie_conf()["name"], "crowd.token_key")


def groups():
    for name in ("g1", "g2", "r&d <all>"):
        equal(crowd.create_group(name, "one of three"), None)
    assert "exists" in crowd.create_group("G1"), "a second group of a name"
    equal(crowd.update_group("g1", {"description": "first", "active": True}), None)
    assert crowd.update_group("nothing", {"active": True}), "an unknown group is updated"
    equal(crowd.add_user_to_group(NAME, "g2"), True)
    equal(crowd.add_user_to_group(NAME, "g2"), False)
    equal(crowd.add_user_to_group("bob", "r&d <all>"), True)
    equal(crowd.add_child_group("g2", "g1"), None)
    assert crowd.add_child_group("nothing", "g1"), "an unknown group is a child"
    equal(crowd.get_groups(NAME), ["g2"])
    equal(crowd.get_nested_groups(NAME), ["g1", "g2"])
    equal(crowd.get_nested_group_users("g1"), [NAME])
    equal((crowd.get_groups("nobody"), crowd.get_nested_groups("nobody"), crowd.get_nested_group_users("nothing")), (None, None, None))
    equal(crowd.get_memberships(), {
        "g1": {"users": [], "groups": ["g2"]},
        "g2": {"users": [NAME], "groups": []},
        "r&d <all>": {"users": ["bob"], "groups": []},
    })
    equal(crowd.remove_child_group("g2", "g1"), None)
    assert crowd.remove_child_group("g2", "g1"), "what is no child is removed"
    equal(crowd.remove_user_from_group(NAME, "g2"), True)
    equal(crowd.remove_user_from_group(NAME, "g2"), False)
    equal(crowd.remove_group("g2"), None)
    assert crowd.remove_group("g2"), "a group is removed twice"


def searches():
    found = crowd.search("user", "email", "EXAMPLE.com")["users"]
    equal([(u["name"], u["email"]) for u in found], [(NAME, "ann@example.com"), ("bob", "bob@example.com")])
    equal(values(found[0])["team"], ["red"])
    equal([u["name"] for u in crowd.search("user", "name", "+1@x/ä & c")["users"]], [NAME])
    equal([g["description"] for g in crowd.search("group", "name", "g1")["groups"]], ["first"])
    equal(crowd.search("user", "email", "com", start_index=1, max_results=1)["users"][0]["name"], "bob")
    equal(crowd.search("role", "name", "x"), None)


for part in (users, passwords, sessions, groups, searches):
    part()
missing = operations() - called.keys()
assert not missing, f"never called: {sorted(missing)}"
print(f"crowd: {len(operations())} operations, {sum(called.values())} calls, all as expected")
