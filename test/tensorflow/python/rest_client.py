"""A plain REST client (`requests`, over urllib3): reads a call as a JSON line, writes its answer as a JSON line.

    {"method": "POST", "url": "http://127.0.0.1:8080/v1/models/m:predict", "headers": {}, "body": {} or "text"}
    → {"status": 200, "headers": {}, "body": {} or "text"}

One session for all calls, so that connections are kept alive as a client's are.
"""

import json
import sys

import requests


def answer(session, call):
    body = call.get("body")
    data = body if body is None or isinstance(body, str) else json.dumps(body)
    response = session.request(call["method"], call["url"], headers=call.get("headers"), data=data, timeout=30)
    try:
        value = response.json()
    except ValueError:
        value = response.text
    return {"status": response.status_code, "headers": dict(response.headers), "body": value}


def main():
    session = requests.Session()
    # The gateway is on loopback: no proxy of this machine lies between.
    session.trust_env = False
    for line in sys.stdin:
        print(json.dumps(answer(session, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
