"""RFC 3261, section 10, over real connections: several contacts, *, expires, fetch, q, 423, CSeq."""
import re
import unittest

import lab


class Registrar(lab.Scenario):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.names = [f"CSF{i:02}" for i in range(10)]
        cls.node = cls.lab.node().oauth_ready(devices={name: "rado" for name in cls.names})
        cls.token = cls.node.sign_in()["access_token"]

    def client(self):
        """A standard client of a device no other test uses."""
        name = self.names.pop()
        phone = self.node.phone(name, self.node.lines[name], cisco=False)
        phone.token = self.token
        return phone

    def register(self, phone, **how):
        answer = phone.register(phone.token, **how)
        return answer.status, {m[1]: m[2] for m in
                               (re.match(r"<(sip:[^>]+)>(.*)$", c) for c in answer.all("Contact"))}

    def test_several_contacts_are_kept_and_fetched_with_their_times_and_q(self):
        phone = self.client()
        status, contacts = self.register(phone, contact=[
            "<sip:a@127.0.0.1:7001>;q=0.7;expires=600, <sip:b@127.0.0.1:7002>;q=0.25", "<sip:c@127.0.0.1:7003>"],
            expires=1800)
        self.assertEqual(200, status)
        status, contacts = self.register(phone, contact="", expires=None)
        self.assertEqual(200, status)
        self.assertEqual({"sip:a@127.0.0.1:7001", "sip:b@127.0.0.1:7002", "sip:c@127.0.0.1:7003"}, set(contacts))
        self.assertRegex(contacts["sip:a@127.0.0.1:7001"], r";q=0\.7.*;expires=(600|59\d)$")
        self.assertRegex(contacts["sip:b@127.0.0.1:7002"], r";q=0\.25.*;expires=(1800|179\d)$")
        self.assertRegex(contacts["sip:c@127.0.0.1:7003"], r";expires=(1800|179\d)$")

    def test_expires_zero_takes_one_contact_and_a_star_takes_all(self):
        phone = self.client()
        self.register(phone, contact=["<sip:a@127.0.0.1:7001>", "<sip:b@127.0.0.1:7002>", "<sip:c@127.0.0.1:7003>"])
        status, contacts = self.register(phone, contact="<sip:b@127.0.0.1:7002>;expires=0")
        self.assertEqual((200, {"sip:a@127.0.0.1:7001", "sip:c@127.0.0.1:7003"}), (status, set(contacts)))
        status, contacts = self.register(phone, contact="*", expires=0)
        self.assertEqual((200, set()), (status, set(contacts)))
        self.assertEqual((200, {}), self.register(phone, contact="", expires=None))

    def test_a_star_with_company_or_with_time_is_a_bad_request(self):
        phone = self.client()
        self.register(phone, contact="<sip:a@127.0.0.1:7001>")
        self.assertEqual(400, self.register(phone, contact="*", expires=60)[0])
        self.assertEqual(400, self.register(phone, contact=["*", "<sip:b@127.0.0.1:7002>"], expires=0)[0])
        self.assertEqual({"sip:a@127.0.0.1:7001"}, set(self.register(phone, contact="", expires=None)[1]))

    def test_too_brief_an_interval_is_refused_with_the_shortest_one(self):
        phone = self.client()
        answer = phone.register(phone.token, contact="<sip:a@127.0.0.1:7001>", expires=5)
        self.assertEqual((423, "60"), (answer.status, answer.get("Min-Expires")))
        self.assertEqual((200, {}), self.register(phone, contact="", expires=None))

    def test_all_contacts_change_or_none(self):
        phone = self.client()
        self.register(phone, contact="<sip:a@127.0.0.1:7001>")
        status, _ = self.register(phone, contact=["<sip:b@127.0.0.1:7002>", "<sip:a@127.0.0.1:7001>;expires=1"])
        self.assertEqual(423, status)
        self.assertEqual({"sip:a@127.0.0.1:7001"}, set(self.register(phone, contact="", expires=None)[1]))
        status, _ = self.register(phone, contact=["<sip:b@127.0.0.1:7002>", "<sip:c@127.0.0.1:7003>;q=7"])
        self.assertEqual(400, status)
        self.assertEqual({"sip:a@127.0.0.1:7001"}, set(self.register(phone, contact="", expires=None)[1]))

    def test_an_older_cseq_of_the_same_call_changes_nothing(self):
        phone = self.client()
        self.assertEqual(200, self.register(phone, contact="<sip:a@127.0.0.1:7001>", cseq=500)[0])
        self.assertEqual(400, self.register(phone, contact="<sip:a@127.0.0.1:7001>;expires=0", cseq=400)[0])
        self.assertEqual(400, self.register(phone, contact="*", expires=0, cseq=499)[0])
        self.assertEqual({"sip:a@127.0.0.1:7001"}, set(self.register(phone, contact="", expires=None, cseq=501)[1]))
        phone.call_id = "another-call@localhost"
        status, contacts = self.register(phone, contact="<sip:a@127.0.0.1:7001>;expires=0", cseq=3)
        self.assertEqual((200, {}), (status, contacts))

    def test_equal_uris_are_one_contact_whatever_their_spelling(self):
        phone = self.client()
        self.register(phone, contact="<sip:%61lice@LOCALHOST:7001;transport=TCP>")
        status, contacts = self.register(phone, contact="<sip:alice@localhost:7001;transport=tcp>")
        self.assertEqual((200, ["sip:alice@localhost:7001;transport=tcp"]), (status, list(contacts)))
        status, contacts = self.register(phone, contact="<sip:ALICE@localhost:7001;transport=tcp>")
        self.assertEqual(2, len(contacts))

    def test_more_contacts_than_a_line_may_have_are_refused_whole(self):
        phone = self.client()
        status, _ = self.register(phone, contact=[f"<sip:c{i}@127.0.0.1:{7000 + i}>" for i in range(11)])
        self.assertEqual(403, status)
        self.assertEqual((200, {}), self.register(phone, contact="", expires=None))

    def test_a_registration_asks_at_most_for_what_is_granted(self):
        phone = self.client()
        status, contacts = self.register(phone, contact="<sip:a@127.0.0.1:7001>", expires=999999)
        self.assertEqual(200, status)
        granted = int(re.search(r"expires=(\d+)", contacts["sip:a@127.0.0.1:7001"])[1])
        self.assertLessEqual(granted, 3600)
        self.assertGreater(granted, 3000)

    def test_a_binding_of_a_token_that_ends_sooner_ends_with_it(self):
        phone = self.client()
        self.node.set_param("OAuthAccessTokenExpiry", 2)
        try:
            phone.token = self.node.sign_in()["access_token"]
        finally:
            self.node.set_param("OAuthAccessTokenExpiry", 60)
        status, contacts = self.register(phone, contact="<sip:a@127.0.0.1:7001>", expires=1800)
        self.assertEqual(200, status)
        self.assertLessEqual(int(re.search(r"expires=(\d+)", contacts["sip:a@127.0.0.1:7001"])[1]), 120)


if __name__ == "__main__":
    unittest.main()
