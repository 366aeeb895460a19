"""What an event costs for people who have chosen how they are reached, beside people who have chosen nothing."""

import aiohttp
import psycopg

from bench.harness import Api, Figure, House, at_once, median
from bench.inboxes import BATCH, EVENTS, PEOPLE, flood

ROUNDS = 5
MOST = 1.15
_CHOSEN = """
WITH people AS (SELECT id FROM notifications_recipient WHERE ref LIKE 'choosy-%'),
settings AS (
    INSERT INTO notifications_preferences
        (recipient_id, quiet_on_holidays, digest_times, repeat_pause, most_an_hour, updated_at)
    SELECT id, false, '{08:00,16:00}', 60, 10000, now() FROM people),
quiet AS (
    INSERT INTO notifications_quiethours (recipient_id, days, begins, ends)
    SELECT people.id, '{0,1,2,3,4,5,6}', at.time + begins, at.time + begins + interval '1 hour'
    FROM people, (SELECT (now() AT TIME ZONE 'UTC')::time) AS at (time),
        unnest(ARRAY[interval '10 hours', interval '12 hours']) AS begins),
choices AS (
    INSERT INTO notifications_categorychoice (recipient_id, category_id, channels, frequency)
    SELECT people.id, category.id, '{"webpush": true, "sms": false}', '' FROM people, notifications_category category),
team AS (INSERT INTO notifications_team (slug, name) VALUES ('choosy', 'Choosy') RETURNING id),
members AS (INSERT INTO notifications_team_members (team_id, recipient_id) SELECT team.id, people.id FROM team, people)
INSERT INTO notifications_categorydefault (team_id, category_id, channels, frequency)
SELECT team.id, category.id, '{"fcm": false}', 'repeats' FROM team, notifications_category category
"""
"""Two quiet hours that are far from now, a choice for each category, limits, and defaults of a team."""


async def measure(house: House) -> list[Figure]:
    """Rounds with both kinds of people in turn: each event asks for an answer, so that nothing is held back."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        api = Api(session, house.url, house.api_key)
        plain = [f"plain-{number}" for number in range(PEOPLE)]
        choosy = [f"choosy-{number}" for number in range(PEOPLE)]
        await at_once([api.token_for(ref, ref.title()) for ref in [*plain, *choosy]])
        async with await psycopg.AsyncConnection.connect(house.database_url, autocommit=True) as connection:
            await connection.execute(_CHOSEN)
        for refs in (plain, choosy):
            await flood(house, api, refs, f"warm-up-{refs[0]}", BATCH)
        ours, peer = [], []
        for number in range(ROUNDS):
            peer.append(1_000 / await flood(house, api, plain, f"plain-{number}", EVENTS))
            ours.append(1_000 / await flood(house, api, choosy, f"choosy-{number}", EVENTS))
    mine, theirs = median(ours), median(peer)
    what = f"An event for {PEOPLE} people who have chosen how they are reached"
    return [
        Figure(what, mine, "nothing chosen", theirs, "ms", f"at most {MOST:g} times the peer", mine <= MOST * theirs)
    ]
