#!/usr/bin/env python3
"""Makes test/demo/contacts.csv: 2,000 invented people in many countries and time zones.

Numbers come from the ranges that libphonenumber gives as examples, with the last digits drawn at
random, so they are well formed and belong to nobody in particular; nothing in the demo leaves the
machine. A few rows are bad on purpose: numbers that cannot exist, and people listed twice.
Needs python3-phonenumbers. Same seed, same file.
"""
import csv
import random
import sys

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

ROWS = 2000
SEED = 20260101
COUNTRIES = {  # region: (weight, first names)
    "US": (34, ["Alice", "James", "Maria", "Robert", "Ashley"]),
    "CA": (6, ["Liam", "Emma", "Noah", "Chloé"]),
    "GB": (9, ["Oliver", "Amelia", "Harry", "Isla"]),
    "DE": (7, ["Jürgen", "Anna", "Lukas", "Marie"]),
    "FR": (6, ["Louis", "Zoé", "Hugo", "Inès"]),
    "ES": (4, ["Lucía", "Íñigo", "Sofía"]),
    "IT": (4, ["Giulia", "Marco", "Chiara"]),
    "IN": (8, ["Aarav", "Diya", "Rohan", "Ananya"]),
    "BR": (5, ["João", "Ana", "Pedro"]),
    "MX": (4, ["José", "Camila"]),
    "NG": (3, ["Chinedu", "Ngozi"]),
    "ZA": (3, ["Thabo", "Lerato"]),
    "AU": (4, ["Jack", "Ruby"]),
    "NZ": (2, ["Aroha", "Mason"]),
    "JP": (4, ["陽翔", "さくら"]),
    "KR": (2, ["민준", "서연"]),
    "AE": (2, ["Omar", "Fatima"]),
    "IL": (2, ["Noam", "Tamar"]),
    "PL": (3, ["Zofia", "Jakub"]),
    "NP": (1, ["Sita", "Ram"]),
}
LAST_NAMES = ["Smith", "O'Brien", "Müller", "García", "Nguyễn", "Kowalska", "Silva", "Okafor",
              "Tanaka", "Rossi", "Haddad", "van Dyk", "Ó Súilleabháin", "Dubois", "Chen"]
COMPANIES = ["Acme", "Globex", "Initech", "Umbrella & Sons", "Wayne \"W\" Ltd", ""]
BAD_NUMBERS = ["12", "not a number", "+999123", "+1 555", "", "00000000", "+44 20", "call me"]


def number_in(region, rng):
    """A well-formed number of the region, in one of the ways people write numbers."""
    kind = rng.choice([PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE])
    example = phonenumbers.example_number_for_type(region, kind)
    while True:
        national = str(example.national_number)
        tail = "".join(rng.choice("0123456789") for _ in range(5))
        candidate = phonenumbers.PhoneNumber(
            country_code=example.country_code, national_number=int(national[:-5] + tail),
            italian_leading_zero=example.italian_leading_zero)
        if phonenumbers.is_valid_number(candidate):
            break
    style = rng.choice([PhoneNumberFormat.E164, PhoneNumberFormat.INTERNATIONAL,
                        PhoneNumberFormat.NATIONAL, PhoneNumberFormat.RFC3966])
    return phonenumbers.format_number(candidate, style)


def main():
    rng = random.Random(SEED)
    regions = list(COUNTRIES)
    weights = [COUNTRIES[region][0] for region in regions]
    rows = []
    while len(rows) < ROWS:
        if rows and rng.random() < 0.01:
            rows.append(dict(rng.choice(rows)))
            continue
        region = rng.choices(regions, weights)[0]
        bad = rng.random() < 0.006
        rows.append({
            "phone_number": rng.choice(BAD_NUMBERS) if bad else number_in(region, rng),
            "region": region,
            "first_name": rng.choice(COUNTRIES[region][1]),
            "last_name": rng.choice(LAST_NAMES),
            "email": f"person{len(rows) + 1}@example.com",
            "company": rng.choice(COMPANIES),
        })
    writer = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


if __name__ == "__main__":
    main()
